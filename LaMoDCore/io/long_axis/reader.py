"""Read the long-axis slices of a heart in any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import InputRecord
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.checks import foreshortened, landmark_jumps, length_jumps, repeated_views
from LaMoDCore.heart.long_axis.end_diastole import reference_frame
from LaMoDCore.heart.long_axis.recognise import (
    SAME_VIEW_DEGREES,
    heart_frame,
    is_usual_axis,
    kind_in_name,
    plane_angle_degrees,
    recognised,
)
from LaMoDCore.heart.long_axis.view import VIEW_KINDS, VIEW_NAMES, LongAxisView, ViewKind
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.case.slice_reader import read_cine_slices
from LaMoDCore.io.contours.curves import masks_of_curves
from LaMoDCore.io.contours.foreign import is_foreign
from LaMoDCore.io.contours.rt_structures import is_rt_structure_set, read_rt_structures
from LaMoDCore.io.files.image_file import dicom_series, is_dicom
from LaMoDCore.io.files.labels import LabelMap, parse_labels
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.long_axis.drawn import DrawnView, completed
from LaMoDCore.io.long_axis.guide_points import read_long_axis_points
from LaMoDCore.io.long_axis.landmarks import with_landmark_files
from LaMoDCore.io.long_axis.markups import read_curves
from LaMoDCore.io.long_axis.masks import lines_of_mask, read_masks
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError

_MOST_VIEWS = 12
_SAME_PLANE_DEGREES_COSINE = 0.9998
#: R–R intervals that differ by more than this share are reported.
SAME_RR = 0.05


@dataclass(frozen=True, eq=False)
class LongAxisCase:
    """The long-axis views of one heart.

    Attributes:
        views: recognised views.
        notes: assumptions and doubts.
        inputs: the files that were read.
    """

    views: tuple[LongAxisView, ...]
    notes: tuple[Note, ...] = ()
    inputs: tuple[InputRecord, ...] = ()


def load_long_axis(
    paths: Sequence[str | Path],
    *,
    cine: Sequence[str | Path] = (),
    labels: str | Mapping[str, int] | LabelMap | None = None,
    views: str | Sequence[str] | None = None,
    mask_frames: Sequence[int] | None = None,
    rr_ms: float | None = None,
    rv_insertion_lps: Array | None = None,
    landmarks: Sequence[str | Path] = (),
) -> LongAxisCase:
    """Read long-axis slices and recognise their views.

    Args:
        paths: masks of the open wall in any format of short-axis masks, guide points, markups or RT structure sets.
        cine: images of the same slices; guide points, markups and RT structures need them.
        labels: meaning of mask labels; the wall is found by its shape if None.
        views: the view of each slice in the order of `paths` (four_chamber, 4ch, …); recognised if None.
        mask_frames: frames of the cine, from 0, to which masks of few frames belong.
        rr_ms: R–R interval, if the files have none.
        rv_insertion_lps: [3] anterior RV insertion in LPS mm, from the short-axis slices.
        landmarks: point lists (.mrk.json) with points of the annulus and the apex, each in the plane of one view.

    Returns:
        The views; contours of end-diastole and end-systole are carried to the other frames with the cine.

    Raises:
        LaMoDInputError: a file cannot be used.
    """
    files, cine_files = [Path(p) for p in paths], [Path(p) for p in cine]
    if not files:
        raise LaMoDInputError("long axis", "no contours were given", "name at least one file or folder")
    wanted, named = parse_labels(labels), parse_views(views)
    notes: list[Note] = []
    cines = [stack for path in cine_files for stack in read_cine_slices(path, [], notes)]
    pictures = dicom_series(cine_files) if any(is_dicom(path) for path in files) else ()
    read: list[tuple[DrawnView, Path]] = []
    for path in files:
        if not path.exists():
            raise LaMoDInputError(path, "there is no such file or folder", "check the path")
        if is_foreign(path):
            read += [(each, path) for each in _of_other_programs(path, cines, notes, rr_ms)]
        else:
            found = read_masks(
                path, cines, notes, labels=wanted, mask_frames=mask_frames, rr_ms=rr_ms, pictures=pictures
            )
            read += [(each, path) for each in found]
    if len(read) > _MOST_VIEWS:
        raise LaMoDInputError(files[0], f"{len(read)} long-axis slices are more than a study has", "give one per view")
    if named is not None and len(named) != len(read):
        raise LaMoDInputError(
            "long-axis views", f"{len(named)} view(s) for {len(read)} long-axis slice(s)", "name one view per slice"
        )
    complete = []
    for index, (drawn, path) in enumerate(read):
        view, more = completed(drawn, path)
        notes += more
        if named is not None:
            view = replace(view, kind=named[index])
        if view.kind is None and not view.located:
            raise LaMoDInputError(
                path,
                f"{view.name} has no position in the patient, by which its view could be recognised",
                "export it with its position and orientation, or name the views, as in --long-axis-views 4ch,2ch",
            )
        complete.append(view)
    _refuse_repeated(complete, [path for _, path in read])
    landmark_files = [Path(p) for p in landmarks]
    complete = with_landmark_files(complete, landmark_files)
    _refuse_contradicting_names(complete, [path for _, path in read])
    complete, more = _placed(complete, rv_insertion_lps)
    notes += [*more, *repeated_views(complete), *_phase_notes(complete)]
    notes += [each for view in complete for each in (*length_jumps(view), *landmark_jumps(view))]
    records = tuple(InputRecord(path.name, sha256_of(path)) for path in [*files, *cine_files, *landmark_files])
    return LongAxisCase(tuple(complete), tuple(dict.fromkeys(notes)), records)


def parse_views(views: str | Sequence[str] | None) -> tuple[ViewKind, ...] | None:
    """Read ``4ch,2ch`` or a sequence of such words.

    Raises:
        LaMoDInputError: a word names no view.
    """
    if views is None:
        return None
    words = views.split(",") if isinstance(views, str) else list(views)
    found: list[ViewKind] = []
    for word in words:
        text = str(word).strip()
        kind = next((k for k in VIEW_KINDS if text.lower() in (k, VIEW_NAMES[k])), kind_in_name(text))
        if kind is None:
            raise LaMoDInputError("long-axis views", f"'{text}' is no view", "use 4ch, 2ch and 3ch, one per slice")
        found.append(kind)
    return tuple(found)


def _of_other_programs(
    path: Path, cines: Sequence[FrameStack], notes: list[Note], rr_ms: float | None
) -> list[DrawnView]:
    name = path.name.lower()
    if name.endswith(".dns"):
        raise LaMoDInputError(path, "a DENSE workspace has no long-axis contours", "give long-axis masks or curves")
    if name.endswith(".json"):
        return [read_curves(path, cines, notes, rr_ms)]
    if not is_rt_structure_set(path):
        return read_long_axis_points(path, cines, notes, rr_ms)
    found = []
    for index, curves in sorted(read_rt_structures(path, cines).items()):
        cine = cines[index]
        grid = cine.slice_grid(0)
        walls, _ = masks_of_curves(curves, cine.frames.shape[0], grid, path.name)
        lines = {t: lines_of_mask(walls[t], grid.spacing_mm, t, path) for t in sorted(curves)}
        timing = timing_of(cine, None, path, rr_ms)
        notes += timing.notes
        found.append(
            DrawnView(
                cine.name,
                grid,
                lines,
                timing.frame_times_ms,
                timing.rr_ms,
                np.ascontiguousarray(cine.frames[:, 0], dtype=np.float32),
                located=cine.is_located,
            )
        )
    return found


def _placed(views: Sequence[LongAxisView], rv_insertion_lps: Array | None) -> tuple[list[LongAxisView], list[Note]]:
    """The views with their kinds and the order of their walls, as far as they have a position in the patient."""
    text = "A long-axis view has no position in the patient: its walls are not named, and its plane was not checked."
    notes = [note("long_axis_not_located", text, source=view.name) for view in views if not view.located]
    located = [view for view in views if view.located]
    if not located:
        return list(views), notes
    frames = [reference_frame(view) for view in located]
    heart = heart_frame(located, frames, rv_insertion_lps)
    if not is_usual_axis(heart):
        text = "The apex of the long-axis views does not lie left, anterior and inferior of the mitral annulus."
        notes.append(note("axis_unusual", text))
    found, more = recognised(located, frames, heart)
    notes += [*more, *foreshortened(found, frames)]
    rest = iter(found)
    return [next(rest) if view.located else view for view in views], notes


def _refuse_repeated(views: Sequence[LongAxisView], paths: Sequence[Path]) -> None:
    for number, view in enumerate(views):
        for other in views[:number]:
            same_plane = abs(float(view.grid.normal @ other.grid.normal)) > _SAME_PLANE_DEGREES_COSINE
            if same_plane and view.endo_mm.shape == other.endo_mm.shape and (view.endo_mm == other.endo_mm).all():
                raise LaMoDInputError(
                    paths[number], f"its contours are those of {other.name} in the same plane", "name each slice once"
                )


def _refuse_contradicting_names(views: Sequence[LongAxisView], paths: Sequence[Path]) -> None:
    """Different views cannot lie in nearly the same plane: one would give walls and volumes that it does not show."""
    for number, view in enumerate(views):
        for other in views[:number]:
            if view.kind is None or other.kind is None or view.kind == other.kind:
                continue
            angle = plane_angle_degrees(view, other) if view.located and other.located else 90.0
            if angle < SAME_VIEW_DEGREES:
                raise LaMoDInputError(
                    paths[number],
                    f"it is named {VIEW_NAMES[view.kind]} and {other.name} {VIEW_NAMES[other.kind]}, but their planes "
                    f"are {angle:.0f}° apart and show the same view",
                    "leave one of them out, or give both the same name, as in --long-axis-views 4ch,4ch",
                )


def _phase_notes(views: Sequence[LongAxisView]) -> list[Note]:
    """Note views with other frame counts or cycles, which are averaged on common phases."""
    counts = sorted({view.frames for view in views})
    cycles = sorted(view.rr_ms for view in views)
    parts = []
    if len(counts) > 1:
        parts.append(f"{' and '.join(map(str, counts))} frames")
    if cycles[-1] - cycles[0] > SAME_RR * cycles[0]:
        parts.append(f"R–R intervals from {cycles[0]:.0f} to {cycles[-1]:.0f} ms")
    if not parts:
        return []
    text = f"The long-axis views have {' and '.join(parts)}; their curves were averaged at common phases of the cycle."
    return [note("long_axis_common_phases", text)]
