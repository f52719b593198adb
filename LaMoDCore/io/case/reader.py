"""Read mask and cine files as a Case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from LaMoDCore.heart.case import LEVELS, MIN_FRAMES, Case, CineSlice, InputRecord, Level
from LaMoDCore.heart.contour_convention import ContourConvention, parse_conventions
from LaMoDCore.heart.cycle.common_phases import on_common_phases
from LaMoDCore.heart.cycle.end_diastole import find_end_diastole, named_end_diastole, total_cavity_area_mm2
from LaMoDCore.heart.geometry import MIN_AXIS_COSINE, Array, SliceGrid
from LaMoDCore.heart.levels import AUTOMATIC, completed_levels, parse_levels, propose_levels, spans_the_ventricle
from LaMoDCore.heart.notes import Note, note, number_list, of_slice
from LaMoDCore.heart.pose import contradictions, unusual_axis
from LaMoDCore.heart.ring.faults import SliceFault
from LaMoDCore.heart.rv_in_cine import insertion_from_cine
from LaMoDCore.heart.rv_insertion import (
    given_insertion,
    insertion_doubts,
    insertion_from_label,
    with_own_insertions,
)
from LaMoDCore.io.case.conventions import with_conventions
from LaMoDCore.io.case.paired_cine import read_paired_cines, with_paired_cine
from LaMoDCore.io.case.picture_next_to_mask import with_frames_of_pictures
from LaMoDCore.io.case.same_plane import joined_frames, refuse_second_reader
from LaMoDCore.io.case.slice_order import order_of
from LaMoDCore.io.case.slice_reader import (
    ReadSlice,
    check_frame_count,
    read_cine_slices,
    read_mask_stacks,
    slices_of,
    wanted_planes,
    with_one_transform,
)
from LaMoDCore.io.dicom.series import DicomSeries
from LaMoDCore.io.files.image_file import dicom_series, is_dicom
from LaMoDCore.io.files.labels import LabelMap, parse_labels
from LaMoDCore.io.files.timing import several_beats, unclosed_beat
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.stated_geometry import lies_on_scanner_axes
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError

Paths = str | Path | Sequence[str | Path]
#: Less than any slice distance: in a stack resampled to 1 mm, neighbours may have the same masks.
_SAME_SLICE_MM = 0.1
#: Dice overlap of walls over the cycle. Contours that are a pixel apart overlap by 0.9; neighbouring slices of nine
#: patients, frame by frame, by 0.5 in the median of 610 pairs and by 0.86 in the 99th percentile.
_READERS_OVERLAP = 0.85


def load_case(
    masks: Paths,
    *,
    cine: Paths | None = None,
    labels: str | Mapping[str, int] | LabelMap | None = None,
    rv_insertion_lps: npt.ArrayLike | None = None,
    levels: str | Sequence[str] | None = None,
    rr_ms: float | None = None,
    mask_frames: Sequence[int] | None = None,
    slice_insertions_lps: Sequence[npt.ArrayLike] = (),
    reference_frame: int | None = None,
    swap_base_and_apex: bool = False,
    paired_cine: bool = False,
    contour_convention: str | Sequence[str] | None = None,
) -> Case:
    """Read masks of the left ventricle over the cycle, and cine images if given, as one heart.

    Args:
        masks: a 4-D NIfTI or NRRD, a .seq.nrrd, a folder with one volume per frame, DICOM masks or a DICOM SEG;
            several are slices (or stacks) of one heart; masks of a few frames each on the same pixels are frames of one
            slice.
        cine: the images, in any of these formats, or a folder or study of DICOM cine series. The slices of the case
            then have their pixels.
        labels: meaning of the labels, as ``"myo=2,rv=1,lv=3"`` (``"myo=2+4"`` for a wall drawn in parts) or a mapping;
            identified by topology if None.
        rv_insertion_lps: [3] the anterior RV insertion point in LPS mm, or [2, 3] both.
        levels: base, mid, apex or auto of each slice, in the order of ``masks`` or from base to apex, whichever of the
            two agrees with the slices' positions; auto, and all if None, are proposed from the positions.
        rr_ms: R–R interval, if the files have none or a wrong one.
        mask_frames: the cine's frames to which the masks belong, from 0, if they are fewer than the cine's: one for
            each mask, in the order of ``masks``. Contours of some frames are carried to the others with the cine.
        slice_insertions_lps: [3] each, insertion points of single slices, in whose planes they lie.
        reference_frame: end-diastole, from 0, if `find_end_diastole` chooses a wrong frame.
        swap_base_and_apex: reverse the order of the slices that was found, if it is wrong: files without orientation do
            not state which end is the apex.
        paired_cine: whether each cine belongs to the masks at the same place in ``masks``, on their slices, pixels and
            frames. The slices are then read as without a cine, with the masks' grids and times, and only get the
            images: they are not sought by position, and contours of some frames are not carried to the others.
        contour_convention: convention by which the contours were drawn, auto, blood-pool or tissue: one for all slices,
            or one per slice from base to apex, with or without those that are left out. auto leaves it to the model.
            None is that of the contour engine for automatic contours, otherwise auto.

    Returns:
        The case, slices from base to apex; ``notes`` holds the assumptions.

    Raises:
        LaMoDInputError: the input cannot be used.
    """
    mask_paths, cine_paths = _paths(masks), _paths(cine)
    if not mask_paths:
        raise LaMoDInputError("masks", "no mask was given", "name at least one file or folder")
    for number, path in enumerate(mask_paths):
        if path.absolute() in [earlier.absolute() for earlier in mask_paths[:number]]:
            raise LaMoDInputError(path, "it is given twice", "name each slice once")
    wanted, named_levels = parse_labels(labels), parse_levels(levels)
    conventions = parse_conventions(contour_convention)
    notes: list[Note] = []
    pictures = dicom_series(cine_paths) if any(is_dicom(path) for path in mask_paths) else ()
    if paired_cine and mask_frames is not None:
        raise LaMoDInputError("--mask-frames", "paired cines have the frames of the masks", "leave out the option")
    several = len(mask_paths) > 1 or bool(cine_paths)
    fewest = 1 if several and not paired_cine else MIN_FRAMES
    masks_of = [(path, read_mask_stacks(path, notes, min_frames=fewest, pictures=pictures)) for path in mask_paths]
    paired = read_paired_cines(masks_of, cine_paths, notes) if paired_cine else {}
    planes = wanted_planes([stack for _, stacks in masks_of for stack in stacks])
    searched = [] if paired_cine else cine_paths
    cines = [stack for path in searched for stack in read_cine_slices(path, planes, notes)]
    return _case_of_stacks(
        masks_of,
        cines,
        notes,
        inputs=[*mask_paths, *cine_paths],
        paired=paired,
        labels=wanted,
        rv_insertion_lps=rv_insertion_lps,
        levels=named_levels,
        rr_ms=rr_ms,
        mask_frames=mask_frames,
        slice_insertions_lps=slice_insertions_lps,
        reference_frame=reference_frame,
        swap_base_and_apex=swap_base_and_apex,
        conventions=conventions,
    )


def case_on_pictures(
    masks: Sequence[Path],
    cines: Sequence[FrameStack],
    *,
    series: Sequence[DicomSeries] = (),
    labels: str | Mapping[str, int] | LabelMap | None = None,
    rv_insertion_lps: npt.ArrayLike | None = None,
    levels: str | Sequence[str] | None = None,
    contour_convention: str | Sequence[str] | None = None,
) -> Case:
    """As `load_case`, with cine slices that were already read and selected.

    Args:
        masks: mask files or folders of one heart.
        cines: the slices of the cine, [T, 1, H, W].
        series: DICOM series to which masks that are segmentations may refer.
        labels, rv_insertion_lps, levels, contour_convention: as for `load_case`.

    Raises:
        LaMoDInputError: the masks cannot be used, or do not belong to the cine.
    """
    notes: list[Note] = []
    masks_of = [(path, read_mask_stacks(path, notes, min_frames=1, pictures=series)) for path in masks]
    return _case_of_stacks(
        masks_of,
        cines,
        notes,
        inputs=masks,
        labels=parse_labels(labels),
        rv_insertion_lps=rv_insertion_lps,
        levels=parse_levels(levels),
        conventions=parse_conventions(contour_convention),
    )


def _case_of_stacks(
    masks_of: Sequence[tuple[Path, list[FrameStack]]],
    cines: Sequence[FrameStack],
    notes: list[Note],
    *,
    inputs: Sequence[Path],
    paired: Mapping[Path, FrameStack] | None = None,
    labels: LabelMap | None,
    rv_insertion_lps: npt.ArrayLike | None,
    levels: tuple[Level | None, ...] | None = None,
    rr_ms: float | None = None,
    mask_frames: Sequence[int] | None = None,
    slice_insertions_lps: Sequence[npt.ArrayLike] = (),
    reference_frame: int | None = None,
    swap_base_and_apex: bool = False,
    conventions: tuple[ContourConvention, ...] | None = None,
) -> Case:
    """One heart of mask stacks by file, and of the cine slices, if there are any."""
    masks_of, cines = with_one_transform(masks_of, cines)
    masks_of = [
        (path, [with_frames_of_pictures(stack, path, cines, notes) for stack in stacks]) for path, stacks in masks_of
    ]
    masks_of = joined_frames(masks_of, labels=labels, mask_frames=mask_frames, notes=notes)
    refuse_second_reader(masks_of)
    read: list[ReadSlice] = []
    for path, stacks in masks_of:
        for stack in stacks:
            check_frame_count(stack, path, 1 if cines else MIN_FRAMES)
        found = slices_of(
            stacks,
            path,
            cines=cines,
            labels=labels,
            rr_ms=rr_ms,
            prefix=len(masks_of) > 1,
            notes=notes,
            mask_frames=mask_frames,
        )
        read += with_paired_cine(found, path, stacks, paired or {})
    return assemble_case(
        read,
        notes,
        inputs=inputs,
        rv_insertion_lps=rv_insertion_lps,
        levels=levels,
        slice_insertions_lps=slice_insertions_lps,
        reference_frame=reference_frame,
        swap_base_and_apex=swap_base_and_apex,
        conventions=conventions,
    )


def assemble_case(
    read: Sequence[ReadSlice],
    notes: Sequence[Note],
    *,
    inputs: Sequence[Path],
    rv_insertion_lps: npt.ArrayLike | None = None,
    levels: tuple[Level | None, ...] | None = None,
    slice_insertions_lps: Sequence[npt.ArrayLike] = (),
    reference_frame: int | None = None,
    swap_base_and_apex: bool = False,
    conventions: tuple[ContourConvention, ...] | None = None,
) -> Case:
    """One heart of slices that were read: order, levels, common phases, end-diastole, RV insertion and notes.

    Args:
        read: the slices, usable or not.
        notes: on the input as a whole.
        inputs: files and folders, for the provenance.
        rv_insertion_lps, levels, slice_insertions_lps, reference_frame, swap_base_and_apex: as for `load_case`.
        conventions: contour conventions, as `contour_convention` of `load_case`.

    Raises:
        LaMoDInputError: no slice can be used, or an option does not fit them.
    """
    collected = list(notes)
    read = _volumes_at_the_ends(_repeats_marked(read))
    read_slices = _from_base_to_apex(read, levels, swap_base_and_apex, collected)
    for number, one in enumerate(read_slices, start=1):
        collected += of_slice(one.notes, number)
    collected += _alike_without_orientation(read_slices)
    guessed = any(each.code == "order_from_taper" for each in collected)
    slices = with_conventions(read, read_slices, conventions, is_guess=guessed)
    if rv_insertion_lps is not None:  # a person's point takes precedence over those found automatically
        slices = [replace(s, rv_insertion_lps=None) if s.contour_origin else s for s in slices]
    slices, phase_notes = on_common_phases(slices)
    collected += _origin_notes(slices)
    area = total_cavity_area_mm2(slices)
    reference, reference_note = (
        find_end_diastole(slices, area)
        if reference_frame is None
        else (named_end_diastole(reference_frame, slices), None)
    )
    found = (several_beats(slices[0], area), unclosed_beat(slices[0], area), reference_note)
    collected = [*(each for each in found if each), *collected, *phase_notes]  # what affects every number comes first
    insertion = _insertion(rv_insertion_lps, slices, reference, collected)
    both = None if rv_insertion_lps is None else np.atleast_2d(np.asarray(rv_insertion_lps, dtype=np.float64))
    contradicted = contradictions(slices, reference, both if both is not None and len(both) == 2 else None)
    return Case(
        slices=tuple(with_own_insertions(slices, slice_insertions_lps, reference)),
        reference_frame=reference,
        rv_insertion_lps=insertion,
        inputs=tuple(InputRecord(path.name, sha256_of(path)) for path in inputs),
        notes=tuple(dict.fromkeys([*contradicted, *collected, *_doubts_about_orientation(read, slices)])),
        volume_slices=tuple(r.volume for r in read if r.volume is not None),
        walls_known=not contradicted,
    )


def _origin_notes(slices: Sequence[CineSlice]) -> list[Note]:
    """Note that contours were drawn automatically, whether they were reviewed, and which frames are unsure."""
    notes = []
    for number, slice_ in enumerate(slices, start=1):
        origin = slice_.contour_origin
        if origin is None:
            continue
        if origin.is_reviewed:
            edited = origin.status.count("edited")
            count = f"; {edited} frame{'s were' if edited > 1 else ' was'} edited" if edited else ""
            text = f"The contours were drawn automatically by {origin.engine} and reviewed{count}."
            notes.append(note("contours_reviewed", text, slice=number))
            continue
        text = f"The contours were drawn automatically by {origin.engine} and not reviewed."
        notes.append(note("contours_automatic", text, slice=number))
        text = "The automatic contour is unsure."
        notes += [
            note("contours_unsure", text, slice=number, frame=frame)
            for frame, status in enumerate(origin.status)
            if status == "unsure"
        ]
    return notes


def _paths(paths: Paths | None) -> list[Path]:
    if paths is None:
        return []
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]


def _repeats_marked(read: Sequence[ReadSlice]) -> list[ReadSlice]:
    """Give slices a fault whose masks and plane are those of an earlier slice, as they were exported twice."""
    marked: list[ReadSlice] = []
    for one in read:
        earlier = next((r for r in marked if _same_slice(r, one)), None)
        if earlier is None:
            marked.append(one)
            continue
        reason = f"its masks are those of {earlier.name} in the same plane"
        finding = "its masks are those of another slice in the same plane"
        marked.append(
            replace(one, slice=None, fault=SliceFault("repeated", (), reason, "name each slice once", finding))
        )
    return marked


def _same_slice(one: ReadSlice, other: ReadSlice) -> bool:
    a, b = one.slice, other.slice
    if a is None or b is None or not (one.has_orientation and other.has_orientation):
        return False  # their positions are unknown
    return a.grid.same_plane(b.grid, _SAME_SLICE_MM) and np.array_equal(a.myocardium, b.myocardium)


def _alike_without_orientation(read: Sequence[ReadSlice]) -> list[Note]:
    """Note slices of two files without orientation that are drawn like one plane by two readers."""
    notes = []
    for number, one in enumerate(read, start=1):
        for earlier_number, earlier in enumerate(read[: number - 1], start=1):
            if one.source == earlier.source or one.has_orientation or earlier.has_orientation:
                continue
            a, b = _slice_of(earlier).myocardium, _slice_of(one).myocardium
            if a.shape == b.shape and (share := _dice(a, b)) >= _READERS_OVERLAP:
                text = (
                    f"Its wall overlaps by {share:.0%} (Dice) with that of slice {earlier_number}, and the files have "
                    "no orientation: both may be contours of one plane by two readers."
                )
                notes.append(note("slices_alike", text, slice=number, source=one.name))
    return notes


def _dice(a: Array, b: Array) -> float:
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def _usable(read: Sequence[ReadSlice], notes: list[Note]) -> list[ReadSlice]:
    """The slices that can be used; the others are refused or left out with a note.

    A slice without a closed ring is left out if another slice remains; a separate piece or a cavity outside the ring is
    a drawing error that the user should correct, and is refused.
    """
    whole = [r for r in read if r.slice is not None]
    for r in read:
        if r.fault is not None and (not whole or r.fault.kind in ("pieces", "cavity")):
            reason = f"{r.name}: {r.fault.reason}" if len(read) > 1 else r.fault.reason
            raise LaMoDInputError(r.source, reason, r.fault.remedy)
    for r in read:
        if r.fault is not None:
            frame = r.fault.frames[0] if len(r.fault.frames) == 1 else None
            notes.append(note(_left_out_code(r), _left_out_text(r.fault), frame=frame, source=_name_in_file(r)))
    return whole


def _from_base_to_apex(
    read: Sequence[ReadSlice], levels: tuple[Level | None, ...] | None, swap: bool, notes: list[Note]
) -> list[ReadSlice]:
    """The usable slices from base to apex, with the given levels or with proposed ones.

    Args:
        read: all slices, as read.
        levels: one per slice of `read` or per usable slice, in their order or from base to apex; None where a level is
            proposed.
        swap: whether a person exchanged base and apex.
        notes: receives the notes on slices, order and levels.
    """
    whole = _usable(read, notes)
    found = order_of([_slice_of(r) for r in whole], has_orientation=all(r.has_orientation for r in whole), swap=swap)
    ordered = [whole[i] for i in found.indices]
    if found.by_taper and not swap:
        text = "The files do not state which end is the apex: the slices were ordered by the taper of the ventricle."
        notes.append(note("order_from_taper", text))
    given = [None] * len(ordered) if levels is None else _in_order(levels, read, found.indices, found.depths_mm)
    completed, known = completed_levels(given, found.depths_mm), spans_the_ventricle(found.depths_mm)
    if None in given:
        notes.append(note("levels_proposed", _levels_text(completed, given)))
    return [
        _with_level(r, level, known=known or chosen is not None, given=chosen is not None)
        for r, level, chosen in zip(ordered, completed, given, strict=True)
    ]


def _in_order(
    levels: tuple[Level | None, ...], read: Sequence[ReadSlice], order: Sequence[int], depths_mm: Sequence[float]
) -> list[Level | None]:
    """The given levels for the usable slices in an order of these.

    Args:
        levels: in the order of `read`, of its usable slices, or from base to apex.
        read: all slices, as read.
        order: indices of the usable slices, from base to apex.
        depths_mm: in this order, increasing towards the apex.

    Raises:
        LaMoDInputError: their number differs from that of the slices, or they fit the slices in both orders.
    """
    usable = levels
    if len(levels) == len(read):
        usable = tuple(level for level, r in zip(levels, read, strict=True) if r.slice is not None)
    if len(usable) != len(order):
        raise LaMoDInputError(
            "--levels",
            f"{len(levels)} level(s) for {len(order)} slice(s)",
            "name one level per slice, from base to apex",
        )
    as_read, from_base = [usable[i] for i in order], list(usable)
    if as_read == from_base or not _are_from_base(from_base, as_read, propose_levels(depths_mm)):
        return as_read
    if len(usable) < len(levels):  # those of the slices left out were found in the order of the files
        raise LaMoDInputError(
            "--levels",
            f"it names {len(levels)} levels from base to apex, but only {len(order)} of the slices can be used",
            "name one level for each of these, from base to apex",
        )
    return from_base


def _are_from_base(
    from_base: Sequence[Level | None], as_read: Sequence[Level | None], proposed: Sequence[Level]
) -> bool:
    """Whether levels were given from base to apex although the files are in another order.

    Args:
        from_base: the levels of the slices from base to apex if they were.
        as_read: if they were given in the order of the files.
        proposed: from the slices' positions.

    Raises:
        LaMoDInputError: both are equally plausible.
    """
    if None not in from_base or _is_base_to_apex(as_read) != _is_base_to_apex(from_base):
        return _is_base_to_apex(from_base) and not _is_base_to_apex(as_read)
    # Too few levels were chosen to show the order: one alone is always sorted.
    if (one := _distance(from_base, proposed)) != (other := _distance(as_read, proposed)):
        return one < other
    raise LaMoDInputError(
        "--levels",
        "they fit the slices in the order of the files as well as from base to apex",
        f"name the level of every slice instead of '{AUTOMATIC}'",
    )


def _distance(chosen: Sequence[Level | None], proposed: Sequence[Level]) -> int:
    """By how many levels the chosen ones differ from the proposed ones in total."""
    pairs = zip(chosen, proposed, strict=True)
    return sum(abs(LEVELS.index(level) - LEVELS.index(other)) for level, other in pairs if level is not None)


def _volumes_at_the_ends(read: Sequence[ReadSlice]) -> list[ReadSlice]:
    """Only the outermost slices of a stack may leave the ventricle in some frames; within it, a frame was forgotten."""
    usable = [r.slice for r in read if r.slice is not None]
    if not usable:
        return list(read)
    axis = usable[0].grid.normal
    depths = [float(s.grid.center_lps @ axis) for s in usable]

    def is_outside(grid: SliceGrid) -> bool:
        return not min(depths) <= float(grid.center_lps @ axis) <= max(depths)

    return [
        r
        if r.volume is None or r.volume.contour_origin is not None or is_outside(r.volume.grid)
        else replace(r, volume=None)
        for r in read
    ]


def _left_out_code(read: ReadSlice) -> str:
    if read.volume is not None and read.volume.contour_origin is not None:
        return "slice_for_volumes_only"
    return "slice_repeated" if read.fault is not None and read.fault.kind == "repeated" else "slice_left_out"


def _left_out_text(fault: SliceFault) -> str:
    return f"A slice was left out: {fault.finding}."


def _slice_of(read: ReadSlice) -> CineSlice:
    if read.slice is None:
        raise ValueError(f"{read.name} has a fault and no slice")
    return read.slice


def _with_level(read: ReadSlice, level: Level, *, known: bool, given: bool) -> ReadSlice:
    return replace(read, slice=replace(_slice_of(read), level=level, level_known=known, level_given=given))


def _name_in_file(read: ReadSlice) -> str:
    """The slice's name; if it is a number, with its file, because results number only the slices that are left."""
    numbered = read.name.startswith("slice ")
    return f"{read.name} of {read.source.name}" if numbered else read.name


def _is_base_to_apex(levels: Sequence[Level | None]) -> bool:
    """Whether the levels are ordered from base to apex, as far as they are known."""
    ranks = [LEVELS.index(level) for level in levels if level is not None]
    return ranks == sorted(ranks)


def _levels_text(levels: Sequence[Level], given: Sequence[Level | None]) -> str:
    if len(levels) == 1:
        return f"The level of the slice is not known; {levels[0]} was assumed."
    proposed = [(n, level) for n, (level, chosen) in enumerate(zip(levels, given, strict=True), 1) if chosen is None]
    numbers = {level: [n for n, found in proposed if found == level] for level in LEVELS}
    parts = [f"{number_list(at)} {level}" for level, at in numbers.items() if at]
    return f"Levels were proposed from the slices' positions, counted from the base: {', '.join(parts)}."


def _insertion(given: npt.ArrayLike | None, slices: list[CineSlice], reference: int, notes: list[Note]) -> Array | None:
    if given is not None:
        point = given_insertion(given, slices, reference)
        notes += insertion_doubts(point, slices, reference)
        return point
    found = insertion_from_label(slices, reference)
    if found is None and all(s.rv_insertion_lps is None for s in slices):
        found = insertion_from_cine(slices, reference)
    if found is None:
        return None
    notes.append(found[1])
    return found[0]


def _doubts_about_orientation(read: Sequence[ReadSlice], slices: list[CineSlice]) -> list[Note]:
    """Note the slices in which the view from the apex, to which all angles refer, is a guess."""
    if not all(r.has_orientation for r in read):
        text = (
            "The masks have no orientation in the patient: which side is the apex, and with it the direction of "
            "rotation and the order of segments, is a guess."
        )
        return [note("orientation_unknown", text)]
    if all(lies_on_scanner_axes(s.grid.ijk_to_lps) for s in slices):
        text = (
            "The slices lie exactly on the scanner's axes, as in exports that lost their orientation: which side is "
            "the apex may be wrong."
        )
        return [note("orientation_on_axes", text)]
    unusual = unusual_axis(slices)
    text = "The slice is nearly parallel to the heart's long axis by its orientation: the apex side is a guess."
    guessed = [
        note("not_short_axis", text, slice=number)
        for number, slice_ in enumerate(slices, start=1)
        if abs(slice_.grid.axis_cosine) < MIN_AXIS_COSINE
    ]
    return guessed or ([] if unusual is None else [unusual])
