"""Find the images to which segmentation objects refer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.series import SAME_SLICE_MM, DicomSeries
from LaMoDCore.io.images.frame_stack import ImageKey


class ImageIndex:
    """Finds images by their keys, and the slice to which each belongs."""

    def __init__(self, series: Sequence[DicomSeries]) -> None:
        self._slices = [group for one in series if not one.is_segmentation for group in one.positions]
        places = [(frame.key, (n, frame)) for n, group in enumerate(self._slices) for frame in group]
        repeated = {key for key, count in Counter(key for key, _ in places).items() if count > 1}
        # a UID that images with different pixels share does not identify them
        self._place = {key: place for key, place in places if key not in repeated}

    def find(self, key: ImageKey) -> DicomFrame | None:
        """The image with a key."""
        place = self._place.get(key)
        return None if place is None else place[1]

    def slice_of(self, key: ImageKey) -> int:
        """Number of the slice that contains an image.

        Raises:
            KeyError: the image is not in the index.
        """
        return self._place[key][0]

    def frames_of_slice(self, number: int) -> tuple[DicomFrame, ...]:
        """The images of a slice."""
        return self._slices[number]

    def in_plane(self, keys: Sequence[ImageKey], frame: DicomFrame) -> list[ImageKey]:
        """Of several images to which a frame refers, those known to lie in its plane; otherwise all."""
        if len(keys) < 2:
            return list(keys)
        normal = frame.ijk_to_lps[:3, 2] / np.linalg.norm(frame.ijk_to_lps[:3, 2])
        near = []
        for key in keys:
            image = self.find(key)
            if image is None:
                continue
            away = (image.ijk_to_lps[:3, 3] - frame.ijk_to_lps[:3, 3]) @ normal
            if abs(away) <= SAME_SLICE_MM:
                near.append(key)
        return near or list(keys)
