"""Notes on the terminal: grouped, the most severe first, with sources and options."""

from __future__ import annotations

from LaMoDCore.cli.shared.notes import OPTIONS, note_lines
from LaMoDCore.heart.notes import CODES, note


def test_notes_are_grouped_with_their_sources() -> None:
    notes = [
        note("rr_assumed", "The frames were assumed to cover the cycle.", source="a.nii", remedy=""),
        *(note("wall_too_thin", "Too thin.", slice=z, source=f"{z}.nii", remedy="Redraw.") for z in (1, 2, 3, 5, 6)),
        note("motion_folds", "The motion folds.", slice=2, frame=4, source="slice 2", remedy=""),
    ]
    assert note_lines(notes) == [
        "error: slice 2, frame 4: The motion folds.",
        "warning: slices 1–3, 5 and 6 (1.nii, 2.nii, 3.nii and 2 more): Too thin. Redraw.",
        "info: a.nii: The frames were assumed to cover the cycle. Use --rr MS to change this.",
    ]


def test_the_option_is_part_of_the_remedy() -> None:
    (line,) = note_lines([note("rv_insertion_assumed", "No point.", remedy="Give the point.")])
    assert line == "warning: No point. Give the point (--rv-insertion X,Y,Z)."


def test_options_belong_to_codes() -> None:
    assert set(OPTIONS) <= set(CODES)
