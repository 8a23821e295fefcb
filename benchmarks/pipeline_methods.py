"""The methods of benchmarks/pipeline.py: each runs in a process of its own and does a round when it is told to.

    PYTHON benchmarks/pipeline_methods.py METHOD ARGUMENTS.json

Only the standard library is imported at the top: OpenCV and deepface are called by interpreters that do not have
marginface. ARGUMENTS.json has ``photos`` (paths), ``processors`` and what a method needs besides. On standard input a
line asks for a round over all photos; a line of JSON answers it: wall and processor seconds, and the faces embedded.
"""

import json
import os
import sys
import time


def _ours(arguments, *, workers, engine):
    """What Recognizer gives: detection with its second look, alignment, quality and embedding of the largest face."""
    import cv2

    from marginface import Recognizer
    from marginface.images import read_image

    cv2.setNumThreads(1)
    recognizer = Recognizer.load("sface", engine=engine)
    images = [read_image(path) for path in arguments["photos"]]
    if workers == 1:
        return lambda: sum(bool(recognizer.embed_photo(image)) for image in images)
    return lambda: sum(bool(photo) for photo in recognizer.embed_each(images, workers=workers))


def ours(arguments):
    return _ours(arguments, workers=1, engine="onnxruntime")


def ours_two_threads(arguments):
    return _ours(arguments, workers=2, engine="onnxruntime")


def ours_openvino(arguments):
    return _ours(arguments, workers=1, engine="openvino")


def ours_openvino_bf16(arguments):
    return _ours(arguments, workers=1, engine="openvino-bf16")


def ours_openvino_bf16_two_threads(arguments):
    return _ours(arguments, workers=2, engine="openvino-bf16")


def opencv(arguments):
    """OpenCV's own detector and recognizer, as its samples drive them, on the published files; one thread."""
    import cv2

    cv2.setNumThreads(1)
    images = [cv2.imread(path) for path in arguments["photos"]]
    detector = cv2.FaceDetectorYN.create(arguments["yunet"], "", (320, 320), 0.6)
    recognizer = cv2.FaceRecognizerSF.create(arguments["sface"], "")

    def one(image):
        height, width = image.shape[:2]
        detector.setInputSize((width, height))
        _, faces = detector.detect(image)
        if faces is None:
            return 0
        face = max(faces, key=lambda row: row[2] * row[3])
        recognizer.feature(recognizer.alignCrop(image, face))
        return 1

    return lambda: sum(map(one, images))


def deepface(arguments):
    """DeepFace.represent with the same detector and model, one face a photo, as its documentation calls it."""
    os.environ["DEEPFACE_HOME"] = arguments["deepface_home"]
    import cv2
    from deepface import DeepFace

    cv2.setNumThreads(1)
    images = [cv2.imread(path) for path in arguments["photos"]]

    def one(image):
        found = DeepFace.represent(
            image, model_name="SFace", detector_backend="yunet", enforce_detection=False, max_faces=1
        )
        return int(found[0]["face_confidence"] > 0)

    return lambda: sum(map(one, images))


METHODS = {
    function.__name__.replace("_", "-"): function
    for function in (
        ours,
        ours_two_threads,
        ours_openvino,
        ours_openvino_bf16,
        ours_openvino_bf16_two_threads,
        opencv,
        deepface,
    )
}


def main():
    name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123
        arguments = json.load(stream)
    if hasattr(os, "sched_setaffinity") and arguments["processors"]:
        os.sched_setaffinity(0, arguments["processors"])
    answer = os.dup(1)  # what libraries print goes elsewhere
    os.dup2(2, 1)
    work = METHODS[name](arguments)
    for _ in sys.stdin:
        start, processor = time.perf_counter(), time.process_time()
        faces = work()
        said = {"wall": time.perf_counter() - start, "cpu": time.process_time() - processor, "faces": faces}
        os.write(answer, (json.dumps(said) + "\n").encode())


if __name__ == "__main__":
    main()
