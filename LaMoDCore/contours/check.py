"""Run every contour check on the slices of a heart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from LaMoDCore.contours.checks.area_jump import check_area_along_heart, check_area_jump
from LaMoDCore.contours.checks.area_range import check_area_range
from LaMoDCore.contours.checks.border import check_border
from LaMoDCore.contours.checks.center_jump import check_center_along_heart, check_center_jump
from LaMoDCore.contours.checks.empty import check_empty
from LaMoDCore.contours.checks.holes import check_holes
from LaMoDCore.contours.checks.open_ring import check_open_ring
from LaMoDCore.contours.checks.out_of_register import check_out_of_register
from LaMoDCore.contours.checks.pieces import check_pieces
from LaMoDCore.contours.checks.thickness_jump import check_thickness_along_heart, check_thickness_jump
from LaMoDCore.contours.checks.walls_touch import check_walls_touch
from LaMoDCore.contours.findings import Fault, Finding, Light, light_of
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.shapes import SliceShapes

#: Checks of one slice alone.
SLICE_CHECKS: tuple[Callable[[SliceShapes], list[Finding]], ...] = (
    check_empty,
    check_open_ring,
    check_holes,
    check_pieces,
    check_border,
    check_center_jump,
    check_area_jump,
    check_thickness_jump,
    check_area_range,
    check_walls_touch,
    check_out_of_register,
)
#: Checks of each slice against those above and below it.
HEART_CHECKS: tuple[Callable[[Sequence[SliceShapes]], list[Finding]], ...] = (
    check_center_along_heart,
    check_area_along_heart,
    check_thickness_along_heart,
)


@dataclass(frozen=True)
class ContourReport:
    """The findings in one heart.

    Attributes:
        slice_names: names of the slices in the order checked.
        frames: number of frames of each slice.
        findings: all findings, sorted by slice, then by frame.
        unchecked: for each slice, why it counts for volumes only and was not checked; "" if it was checked.
        not_drawn: for each slice, frames without contours that are no fault, because the cine was drawn at some frames
            only.
    """

    slice_names: tuple[str, ...]
    frames: tuple[int, ...]
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()
    not_drawn: tuple[frozenset[int], ...] = ()

    def of(self, slice_index: int, frame: int) -> tuple[Finding, ...]:
        """The findings of one frame of one slice."""
        return tuple(f for f in self.findings if f.slice_index == slice_index and f.frame == frame)

    def lights(self, slice_index: int) -> tuple[Light, ...]:
        """The light of each frame of a slice."""
        return tuple(light_of(self.of(slice_index, t)) for t in range(self.frames[slice_index]))

    @property
    def is_clean(self) -> bool:
        return not self.findings


def check_slice(slice_: CineSlice, reference_frame: int = 0, index: int = 0) -> tuple[Finding, ...]:
    """Check one slice alone.

    Args:
        slice_: the slice as drawn, with any faults.
        reference_frame: end-diastole.
        index: the slice's index in the findings, from 0.

    Returns:
        The findings, sorted by frame.
    """
    return _in_order(_of_slice(SliceShapes.of(slice_, index, reference_frame)))


def check_contours(
    slices: Sequence[CineSlice], reference_frame: int = 0, partly_drawn: Sequence[bool] = ()
) -> ContourReport:
    """Check the contours of a heart.

    Automatic contours that count for volumes only may be open or missing in some frames, and are not checked.

    Args:
        slices: slices from base to apex as drawn, with any faults.
        reference_frame: end-diastole.
        partly_drawn: for each slice, whether its cine was drawn at some frames only, so that empty frames are no fault.
    """
    *_, report = check_steps(slices, reference_frame, partly_drawn)
    if report is None:
        raise RuntimeError("the check ended without a report")
    return report


def check_steps(
    slices: Sequence[CineSlice], reference_frame: int = 0, partly_drawn: Sequence[bool] = ()
) -> Iterator[ContourReport | None]:
    """`check_contours` slice by slice, for user interfaces that must stay responsive.

    Args:
        slices, reference_frame, partly_drawn: as for `check_contours`.

    Yields:
        None after each slice; at last the report.
    """
    unchecked = tuple("" if s.contour_origin is None else s.contour_origin.volume_only_because for s in slices)
    partly = tuple(partly_drawn) or (False,) * len(slices)
    drawn: list[SliceShapes] = []
    found: list[Finding] = []
    for k, (slice_, reason, is_partly) in enumerate(zip(slices, unchecked, partly, strict=True)):
        if not reason:
            drawn.append(SliceShapes.of(slice_, k, min(reference_frame, slice_.frames - 1)))
            found += [each for each in _of_slice(drawn[-1]) if not (is_partly and each.fault is Fault.EMPTY)]
        yield None
    # slices without any drawn frame lie outside the heart and are not used as neighbours
    inside = [one for one in drawn if any(not s.is_empty for s in one.shapes)]
    found += [finding for check in HEART_CHECKS for finding in check(inside)]
    names, frames = tuple(s.name for s in slices), tuple(s.frames for s in slices)
    not_drawn = tuple(
        _empty_frames(s) if is_partly else frozenset() for s, is_partly in zip(slices, partly, strict=True)
    )
    yield ContourReport(names, frames, _in_order(found), unchecked, not_drawn)


def _empty_frames(slice_: CineSlice) -> frozenset[int]:
    return frozenset(t for t, mask in enumerate(slice_.myocardium) if not mask.any())


def _of_slice(drawn: SliceShapes) -> list[Finding]:
    return [finding for check in SLICE_CHECKS for finding in check(drawn)]


def _in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (f.slice_index, f.frame)))
