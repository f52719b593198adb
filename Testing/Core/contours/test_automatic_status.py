"""`lamod check` shows status and confidence of automatic contours, and asks for a review of unsure frames."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.contours.check import check_contours
from LaMoDCore.contours.report_files import status_text
from LaMoDCore.contours.review import review_of
from LaMoDCore.heart.contour_origin import ContourOrigin
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io import load_case
from LaMoDCore.io.results.contour_masks import label_frames, write_label_stacks
from Testing.Core.contours.planted_faults import PLANTERS, Fault, reader_slice

FRAMES = 25


def origin(unsure=(), *, volume_only_because=""):
    status = tuple("unsure" if t in unsure else "automatic" for t in range(FRAMES))
    confidence = tuple(0.31 + 0.01 * t if t in unsure else 0.9 for t in range(FRAMES))
    engine = {"engine": "an-engine", "engine_sha256": "0" * 64, "licence": "weights MIT", "convention": "blood-pool"}
    return ContourOrigin(status=status, confidence=confidence, volume_only_because=volume_only_because, **engine)


@pytest.fixture(scope="module")
def clean():
    slice_ = reader_slice(3).slice
    assert slice_.frames == FRAMES
    assert check_contours([slice_]).is_clean
    return slice_


def write(folder, slices):
    """One file per slice, as slices of one plane do not form a stack; returns the paths."""
    names = []
    for number, slice_ in enumerate(slices):
        own = folder / f"file{number}"
        own.mkdir()
        write_label_stacks(
            own, [slice_.grid], [label_frames(slice_)], [slice_.frame_times_ms], [slice_.rr_ms], [slice_.contour_origin]
        )
        names.append(str(own / "contours.seq.nrrd"))
    return names


def moved(slice_, depth_mm):
    affine = slice_.grid.ijk_to_lps.copy()
    affine[:3, 3] -= slice_.grid.normal * slice_.grid.view_sign * depth_mm
    return replace(slice_, grid=SliceGrid(slice_.grid.shape, affine))


def test_unsure_frames_are_listed_until_somebody_accepts_them(tmp_path, capsys, clean):
    (file,) = write(tmp_path, [replace(clean, contour_origin=origin((4, 9, 10, 11)))])
    assert main(["check", file]) == 3
    text = capsys.readouterr().out
    assert "aaaauaaaauuuaaaaaaaaaaaaa" in text
    assert "a automatic   u unsure, not reviewed   r reviewed   e edited   - not drawn" in text
    assert "frames 4 and 9–11: unsure, confidence 0.35–0.42" in text
    assert "an-engine (weights MIT); 0 of 1 slices reviewed" in text
    assert "lamod contour --accept" in text
    assert main(["contour", "--accept", file]) == 0
    capsys.readouterr()
    assert main(["check", file]) == 0
    text = capsys.readouterr().out
    assert "r" * FRAMES in text
    assert "; reviewed." in text
    assert "--accept" not in text


def test_frames_that_a_person_changed_count_as_reviewed_and_are_named(tmp_path, capsys, clean):
    mixed = origin((4,)).reviewed()
    mixed = replace(mixed, status=(*mixed.status[:7], "edited", *mixed.status[8:]))
    assert mixed.is_reviewed
    assert mixed.reviewed() == mixed, "accepting does not hide the edit"
    (file,) = write(tmp_path, [replace(clean, contour_origin=mixed)])
    assert main(["check", file]) == 0
    assert "r" * 7 + "e" + "r" * (FRAMES - 8) in capsys.readouterr().out
    (note,) = [n for n in load_case(file).notes if n.code == "contours_reviewed"]
    assert note.text.endswith("and reviewed; 1 frame was edited.")


def test_json_has_status_and_confidence_of_every_frame(tmp_path, capsys, clean):
    files = write(tmp_path, [replace(clean, contour_origin=origin((4,))), moved(clean, 8.0)])
    assert main(["check", *files, "--json", "--out", str(tmp_path / "out")]) == 3
    printed = json.loads(capsys.readouterr().out)["slices"]
    written = json.loads((tmp_path / "out" / "findings.json").read_text(encoding="utf-8"))["slices"]
    assert printed == written
    automatic, by_hand = (part["automatic_contours"] for part in printed)
    assert by_hand is None
    assert automatic["engine"] == "an-engine"
    assert automatic["reviewed"] is False
    assert [t for t, status in enumerate(automatic["status"]) if status != "automatic"] == [4]
    assert len(automatic["confidence"]) == FRAMES
    assert automatic["confidence"][4] == pytest.approx(0.35)


def test_sure_contours_need_no_review_for_a_clean_check(tmp_path, capsys, clean):
    (file,) = write(tmp_path, [replace(clean, contour_origin=origin())])
    assert main(["check", file]) == 0
    assert "a" * FRAMES in capsys.readouterr().out


def test_slices_for_volumes_only_are_not_checked_for_faults(clean):
    rng = np.random.default_rng(0)
    broken = PLANTERS[Fault.EMPTY](reader_slice(3), 8, rng)
    because = "the wall is open in 20 of 25 frames"
    volumes = replace(broken, contour_origin=origin((7, 8), volume_only_because=because))
    report = check_contours([volumes, moved(clean, 8.0)])
    assert report.is_clean
    assert report.unchecked == (because, "")
    (review, by_hand) = review_of([volumes, clean])
    assert by_hand is None
    assert review.unsure == (7,)
    assert review.status[8] == "none"
    assert f"{'a' * 7}u-a" in status_text(report, (review, by_hand))


def test_contours_drawn_by_hand_have_no_status(tmp_path, capsys, clean):
    (file,) = write(tmp_path, [clean])
    assert main(["check", file]) == 0
    assert "automatic" not in capsys.readouterr().out
