"""DicomFrame: pixels, position and time of one image, for classic and enhanced multi-frame MR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dicom.header import clock_time_s, first_item, integer, lookup, number, values, vector
from LaMoDCore.io.dicom.references import named_images
from LaMoDCore.io.images.frame_stack import ASSUMED_THICKNESS_MM, ImageKey
from LaMoDCore.runtime.bounded_reads import damaged

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

#: More frames than this in one instance are a damaged header.
_MOST_FRAMES = 100_000


@dataclass(frozen=True, eq=False)
class DicomFrame:
    """One image of a series: the location of its pixels, its position and its time.

    ``instance`` numbers the images of a series; ``object_number`` is the InstanceNumber of the file, which the frames
    of a multi-frame file share. ``drawn_on`` is the only image from which a mask was derived. ``acquired_s`` and
    ``created_s`` are AcquisitionTime and ContentTime in seconds. ``thickness_known`` is False if the slice thickness is
    missing, and `ASSUMED_THICKNESS_MM` is used.
    """

    file: Path
    index: int | None
    shape: tuple[int, int]
    ijk_to_lps: Array
    trigger_ms: float | None
    rr_ms: float | None
    temporal_position: float | None
    acquisition: float | None
    instance: float | None
    uid: str
    drawn_on: ImageKey | None = None
    object_number: float | None = None
    acquired_s: float | None = None
    created_s: float | None = None
    thickness_known: bool = True

    @property
    def key(self) -> ImageKey:
        """What other objects refer to: SOP instance UID and index in the instance."""
        return self.uid, self.index or 0


def frames_of(dataset: Dataset, file: Path) -> list[DicomFrame]:
    """The frames of one instance; empty if it has no image with a position.

    Raises:
        LaMoDInputError: its header values contradict each other.
    """
    rows, columns = integer(dataset.get("Rows")), integer(dataset.get("Columns"))
    if not rows or not columns:
        return []
    count = integer(dataset.get("NumberOfFrames")) or 1
    if not 0 < count <= _MOST_FRAMES:
        raise damaged(file, f"its header specifies {count} frames")
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    enhanced = shared is not None or len(per_frame) > 0
    if enhanced and len(per_frame) != count:
        raise damaged(file, f"its header specifies {count} frames and describes {len(per_frame)}")
    frames = []
    clock = None if enhanced else _frame_times(dataset, count)
    for index in range(count):
        groups = [per_frame[index], shared, dataset] if enhanced else [dataset]
        groups = [g for g in groups if g is not None]
        affine = _affine(groups)
        if affine is None:
            continue
        frames.append(
            DicomFrame(
                file=file,
                index=index if count > 1 else None,
                shape=(rows, columns),
                ijk_to_lps=affine,
                trigger_ms=_trigger(groups) if clock is None else clock[index],
                rr_ms=_rr(groups),
                temporal_position=lookup(
                    groups,
                    ("FrameContentSequence", "TemporalPositionIndex"),
                    ("", "TemporalPositionIdentifier"),
                    ("", "TemporalPositionIndex"),
                ),
                acquisition=lookup(
                    groups, ("FrameContentSequence", "FrameAcquisitionNumber"), ("", "AcquisitionNumber")
                ),
                instance=float(index) if count > 1 else number(dataset.get("InstanceNumber")),
                uid=str(dataset.get("SOPInstanceUID", file)),
                drawn_on=_only(named_images(dataset, groups)),
                object_number=number(dataset.get("InstanceNumber")),
                acquired_s=clock_time_s(
                    groups,
                    ("FrameContentSequence", "FrameAcquisitionDateTime"),
                    ("FrameContentSequence", "FrameReferenceDateTime"),
                    ("", "AcquisitionTime"),
                    ("", "AcquisitionDateTime"),
                ),
                created_s=clock_time_s(groups, ("", "ContentTime")),
                thickness_known=_thickness_mm(groups) is not None,
            )
        )
    return frames


def _frame_times(dataset: Dataset, count: int) -> list[float] | None:
    """Times in ms of the frames of a multi-frame file without functional groups (PS3.3 C.7.6.5), if it has any."""
    steps = dataset.get("FrameTimeVector")
    if count > 1 and steps is not None:
        found = vector(steps, count)
        return None if found is None else [float(t) for t in np.cumsum(found)]
    step = number(dataset.get("FrameTime"))
    return [index * step for index in range(count)] if count > 1 and step is not None and step > 0 else None


def _only(images: Sequence[ImageKey]) -> ImageKey | None:
    return images[0] if len(images) == 1 else None


def _affine(groups: Sequence[Dataset]) -> Array | None:
    """[4, 4]: pixel (column i, row j) to LPS, from position, orientation and spacing (PS3.3 C.7.6.2.1.1)."""
    position = vector(
        values(groups, ("PlanePositionSequence", "ImagePositionPatient"), ("", "ImagePositionPatient")), 3
    )
    orientation = vector(
        values(groups, ("PlaneOrientationSequence", "ImageOrientationPatient"), ("", "ImageOrientationPatient")),
        6,
    )
    spacing = vector(values(groups, ("PixelMeasuresSequence", "PixelSpacing"), ("", "PixelSpacing")), 2)
    if position is None or orientation is None or spacing is None or (spacing <= 0).any():
        return None
    x, y = orientation[:3], orientation[3:]
    normal = np.cross(x, y)
    if np.linalg.norm(normal) < 0.5:
        return None
    affine = np.eye(4)
    affine[:3, 0] = x / np.linalg.norm(x) * spacing[1]
    affine[:3, 1] = y / np.linalg.norm(y) * spacing[0]
    affine[:3, 2] = normal / np.linalg.norm(normal) * (_thickness_mm(groups) or ASSUMED_THICKNESS_MM)
    affine[:3, 3] = position
    return affine


def _thickness_mm(groups: Sequence[Dataset]) -> float | None:
    thickness = lookup(groups, ("PixelMeasuresSequence", "SliceThickness"), ("", "SliceThickness"))
    return thickness if thickness is not None and thickness > 0 else None


def _trigger(groups: Sequence[Dataset]) -> float | None:
    return lookup(
        groups,
        ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
        ("CardiacSynchronizationSequence", "ActualCardiacTriggerDelayTime"),
        ("", "TriggerTime"),
        ("", "NominalCardiacTriggerDelayTime"),
    )


def _rr(groups: Sequence[Dataset]) -> float | None:
    interval = lookup(groups, ("CardiacSynchronizationSequence", "RRIntervalTimeNominal"), ("", "NominalInterval"))
    if interval is None or interval <= 0:
        rate = lookup(groups, ("", "HeartRate"))
        interval = 60_000.0 / rate if rate is not None and rate > 0 else None
    return interval
