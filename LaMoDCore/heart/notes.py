"""Notes: what was assumed about an input or is doubtful about a result, as data.

A note names no file, series or person, so `Note.text` may be shown to anyone. The terminal, the report and Slicer
render notes with `grouped` and add remedies in their own words; nothing depends on the wording of `Note.text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["info", "warning", "error"]
#: From the least to the most severe.
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


@dataclass(frozen=True)
class NoteCode:
    """One row of the table of codes.

    Attributes:
        severity: info for assumptions that are usually right, warning for anything that should be checked, error where
            numbers are wrong or missing.
        meaning: one sentence for the reference page.
        remedy: what to do, in words that fit every user interface; "" where nothing needs to be done.
    """

    severity: Severity
    meaning: str
    remedy: str = ""


#: Every code that a note can have.
CODES: dict[str, NoteCode] = {
    # the input
    "input_refused": NoteCode("error", "No motion can be predicted from the masks as they are."),
    "synthetic_heart": NoteCode("info", "The case is a synthetic heart."),
    "labels_by_shape": NoteCode(
        "info",
        "The structures of a mask with several labels were identified by their shape.",
        "Name the labels if this is wrong.",
    ),
    "labels_rounded": NoteCode(
        "warning",
        "Labels of a mask are not whole numbers and were rounded.",
        "Export the mask with whole numbers, and check the rounded contours.",
    ),
    "stray_pixels": NoteCode("warning", "A few pixels separate from the ring were removed from the mask."),
    "slices_without_myocardium": NoteCode("info", "Slices of a file have no myocardium and were left out."),
    "slices_alike": NoteCode(
        "warning",
        "Slices of two files without orientation are so similar that they may be contours of one plane by two readers.",
        "Leave one of them out if they are contours of one plane.",
    ),
    "masks_joined": NoteCode("info", "Masks of one plane in several files were read as frames of one slice."),
    "mask_frame_assumed": NoteCode(
        "warning",
        "A single mask was assumed to be drawn at the first frame of the cine.",
        "Name the frame of the cine on which it was drawn.",
    ),
    "mask_frame_from_image": NoteCode("info", "The cine frame of a mask was found by the image next to the mask."),
    "other_source_images": NoteCode(
        "warning",
        "Masks refer to other images than those of the cine and were assigned by their order.",
        "Give the cine on which the masks were drawn.",
    ),
    "slice_left_out": NoteCode(
        "error",
        "A slice with contours could not be used; the result lacks it.",
        "Correct its contours and predict again.",
    ),
    "function_incomplete": NoteCode(
        "info",
        "The slices do not cover the left ventricle, so volumes and ejection fraction are not given.",
        "Add the missing slices from base to apex.",
    ),
    "slice_for_volumes_only": NoteCode(
        "info", "A slice shows the ventricle in some frames only; it counts for volumes, not for strain."
    ),
    "slice_beyond_ventricle": NoteCode("info", "A slice of the cine shows no ventricle and was left out."),
    "slice_repeated": NoteCode("warning", "A slice was given twice; the copy was left out.", "Name each slice once."),
    "files_left_out": NoteCode("info", "A folder contains images next to segmentations; they were left out."),
    "series_left_out": NoteCode("info", "A series of the study is not a short-axis cine and was left out."),
    "contours_carried": NoteCode(
        "warning",
        "Contours were drawn at some frames and carried to the others with the cine.",
        "Check the carried contours.",
    ),
    "contours_automatic": NoteCode(
        "warning",
        "The contours were drawn automatically and nobody has reviewed them.",
        "Review the contours and accept or correct them.",
    ),
    "contours_unsure": NoteCode(
        "warning", "The confidence of an automatic contour is low.", "Check the contours of these frames."
    ),
    "contours_reviewed": NoteCode("info", "The contours were drawn automatically and accepted by a person."),
    "several_cines": NoteCode(
        "warning", "Several cine series lie in the plane of a mask.", "Give only the cine on which the mask was drawn."
    ),
    "cine_pixels_assumed": NoteCode(
        "warning",
        "A mask or cine without orientation was assumed to have the other's pixel grid.",
        "Export masks and cine with their orientation.",
    ),
    "transforms_disagree": NoteCode(
        "warning",
        "A NIfTI file contains two geometries that disagree.",
        "Check the position of the masks on the cine, and export the file again with one geometry.",
    ),
    "slice_thickness_assumed": NoteCode(
        "info",
        "A file has no slice thickness; 8 mm was assumed, on which only volumes depend.",
        "Export the slice thickness if volumes matter.",
    ),
    "pixel_size_doubtful": NoteCode(
        "warning",
        "A file has unit pixels along the scanner's axes, the default of writers that do not know the geometry.",
        "Export the masks with their pixel size, or give the cine.",
    ),
    "cine_not_compared": NoteCode(
        "warning",
        "The cine and the masks have different pixel grids and were not compared.",
        "Draw the masks on the cine's pixels.",
    ),
    # DICOM files
    "dicom_unreadable": NoteCode("warning", "DICOM files could not be read and were left out.", "Export them again."),
    "dicom_duplicates": NoteCode("info", "Copies of DICOM instances were left out."),
    "dicom_uid_repeated": NoteCode(
        "warning",
        "DICOM instances with different contents have the same UID, as after a careless anonymisation.",
        "Check that the frames follow each other in time.",
    ),
    "dicom_without_image": NoteCode("info", "DICOM objects that are not images in the patient were left out."),
    "dicom_series_gathered": NoteCode("info", "Series with one image per slice each were read as one cine."),
    "dicom_repeated_time": NoteCode("info", "Images of a slice that are stored twice were left out."),
    "dicom_order_assumed": NoteCode(
        "warning",
        "The order of the frames was not taken from trigger times.",
        "Check that the frames follow each other in time.",
    ),
    # times
    "frames_missing": NoteCode("warning", "Frames of the cine seem to be missing.", "Export the whole series."),
    "frame_interval_varies": NoteCode("warning", "The interval between frames varies."),
    "frames_not_timed": NoteCode("info", "A sequence has names instead of times for its frames."),
    "frame_step_guessed": NoteCode(
        "warning", "The unit of the frame interval was guessed.", "Store the frame times with their unit."
    ),
    "frame_step_ignored": NoteCode(
        "warning",
        "The frame times of a file are implausible; those of the cine or the given R–R interval were used.",
        "Store the frame times in ms.",
    ),
    "frames_sorted_by_index": NoteCode(
        "info", "The frames of a sequence are stored in another order than their index values and were sorted by these."
    ),
    "frame_times_from_names": NoteCode(
        "info", "The frame times were read from the names of the files or from JSON files next to them."
    ),
    "frame_times_contradicted": NoteCode(
        "warning",
        "The frame times of the masks contradict those of the cine.",
        "Check that the masks were drawn on this cine.",
    ),
    "frame_times_shifted": NoteCode(
        "info", "The frame times do not count from the R wave; they were counted from the first frame."
    ),
    "frame_times_assumed": NoteCode(
        "warning",
        "The frames have no times and were spaced evenly over the cardiac cycle.",
        "Strain does not depend on it; times and rates do.",
    ),
    "rr_unit_guessed": NoteCode("warning", "The unit of a file's R–R interval was guessed.", "Enter the R–R interval."),
    "rr_contradicted": NoteCode(
        "warning", "The R–R intervals of masks and cine differ; that of the cine was used.", "Enter the R–R interval."
    ),
    "rr_replaced": NoteCode(
        "info", "The given R–R interval contradicts the files; it was used.", "Check the given R–R interval."
    ),
    "rr_assumed": NoteCode("info", "The frames were assumed to cover the full cardiac cycle."),
    "rr_too_short": NoteCode(
        "warning",
        "The frames span more than the R–R interval; the cycle was assumed to be as long as they are.",
        "Enter the R–R interval if it is known.",
    ),
    "cycle_partly_covered": NoteCode("warning", "The frames cover only part of the R–R interval."),
    "cycle_not_closed": NoteCode(
        "warning",
        "The cavity's area jumps from the last frame to the first: the frames seem to cover only part of the cycle.",
        "Enter the R–R interval.",
    ),
    "several_cycles": NoteCode(
        "warning", "The cavity empties more than once: the frames seem to cover several beats.", "Give one beat."
    ),
    "reference_frame_found": NoteCode(
        "warning",
        "The cine does not begin at end-diastole; the frame with the largest cavity is the reference.",
        "Choose another end-diastolic frame if this is wrong.",
    ),
    "phases_interpolated": NoteCode(
        "warning", "The frames of a slice were interpolated to the phases of the slice with most frames."
    ),
    # the slices' positions and orientation
    "levels_proposed": NoteCode(
        "info",
        "Basal, mid and apical slices were proposed from their positions.",
        "Choose the levels if they are wrong.",
    ),
    "insertion_from_label": NoteCode("info", "The RV insertion point was found on the label of the right ventricle."),
    "insertion_from_cine": NoteCode(
        "warning",
        "No RV insertion point was given: it was estimated from the right ventricle's blood in the cine.",
        "Give the anterior RV insertion point if segments matter.",
    ),
    "insertion_contradicts_label": NoteCode(
        "warning",
        "The given RV insertion point is far from the one on the label of the right ventricle.",
        "Check that it is the anterior insertion.",
    ),
    "orientation_unknown": NoteCode(
        "warning",
        "The masks have no orientation, so the side of the apex is a guess.",
        "Export the masks with their orientation.",
    ),
    "orientation_on_axes": NoteCode(
        "warning",
        "The slices lie exactly on the scanner's axes, as in exports that lost their orientation.",
        "Check the orientation of the export.",
    ),
    "order_from_taper": NoteCode(
        "info",
        "The files do not state which end of the stack is the apex; the taper of the ventricle decided.",
        "Export the masks with their orientation.",
    ),
    "not_short_axis": NoteCode(
        "warning",
        "A slice's orientation is unusual for a short-axis slice, so the side of the apex is a guess.",
        "Check that the slices are short-axis slices.",
    ),
    "axis_unusual": NoteCode(
        "warning",
        "The long axis of the heart has an unusual direction, as in dextrocardia or with a wrong direction matrix.",
        "Check the orientation of the export, and base and apex.",
    ),
    "orientation_contradicted": NoteCode(
        "error",
        "The right ventricle or the taper of the ventricle contradicts the orientation of the slices: segments are "
        "numbered but not named.",
        "Correct the orientation; in dextrocardia, walls must be named by hand.",
    ),
    # long-axis views
    "long_axis_views_recognised": NoteCode(
        "info",
        "The long-axis views were recognised by their position.",
        "Name the views if this is wrong.",
    ),
    "long_axis_view_contradicted": NoteCode(
        "warning",
        "The plane of a long-axis view contradicts the name that was given to it.",
        "Check the names of the views.",
    ),
    "long_axis_view_repeated": NoteCode(
        "warning",
        "Several long-axis slices show the same view and count as one.",
        "Leave out all but one of them, or name the views if this is wrong.",
    ),
    "long_axis_not_located": NoteCode(
        "warning",
        "A long-axis view has no position in the patient, so its walls are not named.",
        "Export the view with its position and orientation.",
    ),
    "long_axis_without_cine": NoteCode(
        "info",
        "No cine lies in the plane of a long-axis mask, which was measured without images.",
        "Give its cine if the pictures are to show it.",
    ),
    "long_axis_labels_by_shape": NoteCode(
        "info",
        "The myocardium of a long-axis mask with several labels was identified by its shape.",
        "Name the labels if this is wrong.",
    ),
    "long_axis_foreshortened": NoteCode(
        "warning",
        "The apex of a long-axis view is more than 10 mm nearer to the base than that of another view.",
        "Leave this view out, or check the apex.",
    ),
    "long_axis_gap_bridged": NoteCode(
        "warning",
        "Part of the epicardium of a long-axis view was not given and was drawn parallel to the endocardium.",
        "Check the epicardium of this view.",
    ),
    "long_axis_length_jump": NoteCode(
        "warning",
        "The length of a long-axis contour jumps relative to the neighbouring frames.",
        "Compare the contour and its ends with the cine.",
    ),
    "long_axis_landmark_jump": NoteCode(
        "warning",
        "A point of the annulus or the apex of a long-axis view jumps relative to the contour: strain, MAPSE and "
        "volumes may be wrong.",
        "Place the points on the other frames too, or remove them at this frame.",
    ),
    "long_axis_common_phases": NoteCode(
        "info", "Long-axis views with different frames or cycles were averaged at common phases of the cycle."
    ),
    "long_axis_end_systole_differs": NoteCode(
        "info",
        "Long-axis views and short-axis slices have different cycles or times of end-systole; each uses its own.",
    ),
    "levels_measured": NoteCode("info", "Basal, mid and apical slices were measured with the long-axis views."),
    "short_axis_not_compared": NoteCode(
        "warning",
        "Short-axis slices and long-axis views were not compared, because some have no position in the patient.",
        "Export all of them with their position and orientation.",
    ),
    "levels_contradicted": NoteCode(
        "warning",
        "A given level of a short-axis slice contradicts its position between annulus and apex.",
        "Check the levels.",
    ),
    "base_apex_exchanged": NoteCode(
        "error",
        "The long-axis views show base and apex of the short-axis slices in the other order than their orientation: "
        "segments are numbered but not named.",
        "Correct the orientation of the export.",
    ),
    "slice_leaves_ventricle": NoteCode(
        "warning",
        "A basal slice lies beyond the mitral annulus in systole, so its wall there is not that of end-diastole.",
        "Do not interpret the strain of this slice, or leave it out.",
    ),
    "slice_outside_ventricle": NoteCode(
        "warning",
        "A short-axis slice lies outside the ventricle of the long-axis views.",
        "Check that both were acquired in the same examination and position.",
    ),
    # the result
    "rv_insertion_assumed": NoteCode(
        "warning",
        "Neither an RV insertion point nor a right ventricle was found: segments start at the expected position, which "
        "may be 40° off, two thirds of a segment.",
        "Give the anterior RV insertion point.",
    ),
    "ring_open_at_reference": NoteCode(
        "warning",
        "The myocardium is not a closed ring at the reference frame.",
        "Close the ring, unless the outflow tract opens it.",
    ),
    "ring_at_image_edge": NoteCode(
        "warning",
        "The myocardium touches the edge of the image at the reference frame.",
        "Check that the image contains the whole ring.",
    ),
    "wall_too_thin": NoteCode(
        "warning", "Part of the myocardium is too thin for strain.", "Draw the wall at least two pixels thick."
    ),
    "frames_not_acquired": NoteCode("info", "Some frames were not acquired; peaks ignore them."),
    "motion_folds": NoteCode(
        "error",
        "The predicted motion folds at some pixels (J ≤ 0); strain at these pixels is meaningless.",
        "Check the contours of this slice.",
    ),
    "end_systole_unusual": NoteCode(
        "warning", "End-systole is unusually early or late in the cycle.", "Check the order of the masks in time."
    ),
    "segments_empty": NoteCode(
        "warning", "Segments contain no myocardium.", "Check the contours and the RV insertion point."
    ),
    "cycles_differ": NoteCode(
        "warning",
        "The slices' cardiac cycles differ in length; times and rates of the whole heart refer to the median R–R "
        "interval.",
    ),
    "samples_disagree": NoteCode(
        "warning",
        "The samples of the model disagree on segmental Ecc at end-systole.",
        "Use the intervals together with the values.",
    ),
    "convention_not_used": NoteCode(
        "warning",
        "A contour convention was given, but the prediction does not use it: the model has no input for it, or the "
        "decoder alone predicted.",
        "Choose a model with this input.",
    ),
    "convention_contradicted": NoteCode(
        "warning",
        "The area of the drawn wall over the cycle agrees with the other contour convention than the given one.",
        "Check the given contour convention, or leave it to the model.",
    ),
    "unlike_training": NoteCode(
        "warning", "A slice is unlike the training data, so its intervals may not contain the true values."
    ),
    "version_1_note": NoteCode("warning", "A sentence in a result that LaMoD 1.x wrote."),
    # DENSE
    "dense_frame_step_from_repetition": NoteCode(
        "warning", "The trigger times are unusable; the repetition time was used as the duration of a frame."
    ),
    "dense_frame_step_assumed": NoteCode(
        "warning", "The data contain no frame times; a frame duration was assumed.", "Give the duration of a frame."
    ),
    "dense_rr_assumed": NoteCode(
        "warning", "The data contain no R–R interval; one was assumed.", "Give the R–R interval."
    ),
    "dense_position_unknown": NoteCode(
        "warning", "The data contain no position of the slice in the patient; it was assumed to be axial."
    ),
    "dense_contours_guessed": NoteCode(
        "warning", "The myocardium was segmented automatically on the magnitude images.", "Check the contours."
    ),
    "dense_background_subtracted": NoteCode("info", "A background phase was fitted to static tissue and subtracted."),
    "dense_background_not_found": NoteCode(
        "warning", "The field of view contains too little static tissue; no background phase was subtracted."
    ),
    "dense_smoothing": NoteCode("info", "How displacement was smoothed in space and fitted in time."),
    # findings of the contour checks
    "contour_empty": NoteCode(
        "error", "A frame of a drawn slice has no myocardium.", "Draw the frame, or fill it from its neighbours."
    ),
    "contour_open_ring": NoteCode(
        "error", "The myocardium does not enclose the cavity.", "Close the ring around the cavity."
    ),
    "contour_hole": NoteCode("warning", "The wall has a hole besides the cavity.", "Fill the hole."),
    "contour_island": NoteCode(
        "warning", "A small piece of myocardium is separate from the ring.", "Remove the piece."
    ),
    "contour_several_pieces": NoteCode(
        "error", "The myocardium consists of several large pieces.", "Remove or join the pieces."
    ),
    "contour_touches_border": NoteCode(
        "error", "The myocardium touches the border of the image.", "Use images that contain the whole ring."
    ),
    "contour_centre_jump": NoteCode(
        "warning",
        "The centre of the ring jumps relative to the neighbouring frames or slices.",
        "Compare the contour with the cine.",
    ),
    "contour_area_jump": NoteCode(
        "warning",
        "The area of myocardium or cavity jumps relative to the neighbouring frames or slices.",
        "Compare the contour with the cine.",
    ),
    "contour_thickness_jump": NoteCode(
        "warning",
        "The wall thickness jumps relative to the neighbouring frames or slices.",
        "Compare the contour with the cine.",
    ),
    "contour_area_out_of_range": NoteCode(
        "warning",
        "The myocardial area is implausible compared with the area at end-diastole.",
        "Compare the contour with the cine, at this frame and at end-diastole.",
    ),
    "contour_walls_touch": NoteCode(
        "warning", "Opposite walls touch, or endocardium and epicardium do.", "Separate the contours."
    ),
    "contour_out_of_register": NoteCode(
        "error",
        "The mask is shifted relative to the myocardium of the cine.",
        "Shift the mask, or give the cine on which it was drawn.",
    ),
}


@dataclass(frozen=True)
class Note:
    """One assumption or doubt.

    Attributes:
        code: key of `CODES`, or of a later version's; programs use it instead of the text.
        severity: info, warning or error.
        text: one sentence without names of files, series or persons, without the slice and the frame it concerns.
        remedy: what to do, in words that fit every user interface; "" where nothing needs to be done.
        slice: counted from 1 at the base; None if the note concerns the whole case.
        frame: counted from 0; None if it concerns all frames.
        source: name of the file or series, for the terminal and the researcher's files; never shown in a report.
    """

    code: str
    severity: Severity
    text: str
    remedy: str = ""
    slice: int | None = None
    frame: int | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, got {self.severity!r}")

    def to_dict(self) -> dict[str, Any]:
        """The note as strain.json and `lamod check --json` hold it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "slice": self.slice,
            "frame": self.frame,
            "text": self.text,
            "remedy": self.remedy,
            **({"source": self.source} if self.source else {}),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Note:
        """The note of `to_dict`.

        Raises:
            ValueError: a key is missing, or a value is not one that a note can have.
        """
        try:
            return cls(
                code=str(stored["code"]),
                severity=stored["severity"],
                text=str(stored["text"]),
                remedy=str(stored.get("remedy", "")),
                slice=None if stored.get("slice") is None else int(stored["slice"]),
                frame=None if stored.get("frame") is None else int(stored["frame"]),
                source=str(stored.get("source", "")),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a note: {error}") from error


def note(
    code: str,
    text: str,
    *,
    slice: int | None = None,
    frame: int | None = None,
    source: str = "",
    severity: Severity | None = None,
    remedy: str | None = None,
) -> Note:
    """A note with the severity and the remedy of its code, unless others are given."""
    row = CODES.get(code)
    if row is None:
        raise ValueError(f"there is no note code {code!r}; add it to LaMoDCore.heart.notes.CODES")
    return Note(
        code=code,
        severity=row.severity if severity is None else severity,
        text=text,
        remedy=row.remedy if remedy is None else remedy,
        slice=slice,
        frame=frame,
        source=source,
    )


def of_slice(notes: Iterable[Note], number: int) -> list[Note]:
    """Notes that concern one slice, counted from 1 at the base."""
    return [replace(each, slice=number) for each in notes]


@dataclass(frozen=True)
class NoteGroup:
    """Equal notes of several slices or frames, rendered as one.

    Attributes:
        note: the first of them.
        slices: counted from 1, sorted; empty where the whole case is meant.
        frames: counted from 0, sorted, without duplicates; empty where all frames are meant.
        count: how many equal notes name neither slice nor frame; above 1 where several unnumbered slices are meant.
    """

    note: Note
    slices: tuple[int, ...]
    frames: tuple[int, ...]
    count: int = 1


def grouped(notes: Iterable[Note]) -> list[NoteGroup]:
    """Notes with the same code, text and remedy as one group each, the most severe first, else in the given order.

    Notes of several frames are joined within a slice first; slices are joined where they concern the same frames.
    """
    frames_of: dict[tuple[str, str, str, int | None, bool], list[Note]] = {}
    for each in notes:
        key = (each.code, each.text, each.remedy, each.slice, each.frame is None)
        frames_of.setdefault(key, []).append(each)
    slices_of: dict[tuple[str, str, str, tuple[int, ...], bool], list[Note]] = {}
    counts: dict[tuple[str, str, str, tuple[int, ...], bool], int] = {}
    for (code, text, remedy, slice_number, _), members in frames_of.items():
        frames = tuple(sorted({n.frame for n in members if n.frame is not None}))
        group = (code, text, remedy, frames, slice_number is None)
        slices_of.setdefault(group, []).append(members[0])
        counts[group] = len(members) if slice_number is None and not frames else 1
    groups = [
        NoteGroup(members[0], tuple(sorted({n.slice for n in members if n.slice is not None})), group[3], counts[group])
        for group, members in slices_of.items()
    ]
    return sorted(groups, key=lambda group: -SEVERITIES.index(group.note.severity))


def number_list(numbers: Sequence[int], most: int | None = None) -> str:
    """``3``, ``3 and 5``, ``3–6, 9 and 11``: sorted numbers with runs of three or more joined.

    Args:
        numbers: one or more.
        most: maximum number of parts; the rest are counted: ``0, 2, 4 and 17 more``.
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts: list[list[int]] = []
    for run in runs:
        parts += [run] if len(run) > 2 else [[number] for number in run]
    words = [f"{part[0]}–{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts]
    if most is not None and len(words) > most:
        words = [*words[: most - 1], f"{sum(map(len, parts[most - 1 :]))} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


_OF_LONG_AXIS = frozenset(
    {
        *("levels_measured", "short_axis_not_compared", "levels_contradicted", "base_apex_exchanged"),
        *("slice_leaves_ventricle", "slice_outside_ventricle"),
    }
)


def concerns_long_axis(note: Note) -> bool:
    """Whether a note is about long-axis views or about short-axis slices compared with them."""
    return note.code.startswith("long_axis_") or note.code in _OF_LONG_AXIS
