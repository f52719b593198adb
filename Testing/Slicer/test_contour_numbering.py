"""One numbering on screen: frames and slices from 1, LaMoD's segment numbers with names, AHA numbers marked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("indices", "text"),
    [
        ([3], "frame 4"),
        ([0, 1], "frames 1, 2"),
        ([0, 1, 2], "frames 1–3"),
        ([5, 0, 1, 2, 6, 9], "frames 1–3, 6, 7, 10"),
        ([4, 4], "frame 5"),
    ],
)
def test_frames_count_from_one_and_runs_are_shortened(host, indices, text):
    from LaMoDSlicerLib.Widgets import Numbering

    assert Numbering.frames(indices) == text


def test_slices_and_segments(host):
    from LaMoDSlicerLib.Widgets import Numbering

    assert Numbering.sliceName(0) == "slice 1"
    assert Numbering.slices([0, 1, 2, 4]) == "slices 1–3, 5"
    assert Numbering.segment(2, "inferoseptal") == "2 inferoseptal"
    assert Numbering.segment(2, "inferoseptal", aha=9) == "2 inferoseptal (AHA 9)"
    assert Numbering.segment(5, "") == "5"
    assert Numbering.capitalized(Numbering.frame(0)) == "Frame 1"
