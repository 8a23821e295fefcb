"""Photos → aligned crops: one photo by FaceCropper (cropper), a whole folder tree by crop_tree (tree)."""

from __future__ import annotations

from marginface.cropping.cropper import (
    FACE_POLICIES,
    USED,
    Crop,
    CroppedPhoto,
    FaceCropper,
    FacePolicy,
    crop_photo,
    crop_settings,
)
from marginface.cropping.tree import JOURNAL, REPORT, CropReport, crop_tree

__all__ = [
    "FACE_POLICIES",
    "JOURNAL",
    "REPORT",
    "USED",
    "Crop",
    "CropReport",
    "CroppedPhoto",
    "FaceCropper",
    "FacePolicy",
    "crop_photo",
    "crop_settings",
    "crop_tree",
]
