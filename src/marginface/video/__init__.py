"""Who is in a video: frames → tracks → one decision for each.

frames        Frame; the slot that keeps only the newest
sources       a file, a camera or a stream → frames, sampled by time
tracking      faces of frame after frame → tracks
pooling       the best faces of a track → one face
identifying   identify_video: all of it, a decision as each track ends
results       IdentifiedTrack
annotation    a copy with boxes and names
"""

from marginface.video.annotation import annotate_photo, annotate_video, codec_for, draw_labels, format_for
from marginface.video.frames import Frame, Frames
from marginface.video.identifying import VideoSettings, identify_video, tracking_rule
from marginface.video.results import IdentifiedTrack, Place
from marginface.video.sources import Camera, VideoFile, open_frames
from marginface.video.tracking import TrackingRule

__all__ = [
    "Camera",
    "Frame",
    "Frames",
    "IdentifiedTrack",
    "Place",
    "TrackingRule",
    "VideoFile",
    "VideoSettings",
    "annotate_photo",
    "annotate_video",
    "codec_for",
    "draw_labels",
    "format_for",
    "identify_video",
    "open_frames",
    "tracking_rule",
]
