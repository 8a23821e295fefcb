from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from marginface.alignment import align
from marginface.geometry import TEMPLATE
from oracles.drawing import draw_face
from oracles.linear_models import CROPS


def test_sface_gives_unit_rows_alike_alone_in_a_batch_and_from_threads(sface):
    many = np.concatenate([CROPS] * 6)
    together = sface.embed(many)
    assert together.shape == (42, 128)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.concatenate([sface.embed(crop[None]) for crop in CROPS])
    np.testing.assert_allclose(together[:7], alone, atol=1e-5)
    with ThreadPoolExecutor(4) as pool:
        threaded = list(pool.map(lambda crop: sface.embed(crop[None])[0], CROPS))
    np.testing.assert_array_equal(threaded, alone)


def test_sface_calls_a_drawn_face_and_its_darker_copy_alike_and_noise_different(sface):
    face = align(draw_face(112, 112, center=(56, 62), radius=45), TEMPLATE)
    darker = (face * 0.8).astype(np.uint8)
    first, second, noise = sface.embed(np.stack([face, darker, CROPS[0]]))
    assert first @ second > 0.8
    assert first @ noise < 0.4


def test_sface_tells_people_of_lfw_apart(sface, shared_data):
    from marginface.detection import load_detector
    from marginface.images import read_image

    names = ["Aaron_Peirsol/Aaron_Peirsol_0001", "Aaron_Peirsol/Aaron_Peirsol_0002", "Owen_Nolan/Owen_Nolan_0001"]
    images = [read_image(shared_data / f"lfw/{name}.jpg") for name in names]
    detector = load_detector()
    crops = np.stack([align(image, detector.detect(image)[0].landmarks) for image in images])
    one, two, other = sface.embed(crops)
    assert one @ two > 0.5
    assert one @ other < 0.3
