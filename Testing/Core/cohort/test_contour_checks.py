"""`lamod check --cohort`: findings of every case, a table, an index and a page per case."""

from __future__ import annotations

import csv
import dataclasses
import errno
import re
from html import unescape
from unittest.mock import Mock

import numpy as np
import pytest
from cohort_rings import write_ring

from LaMoDCore.cli import main
from LaMoDCore.cohort import contour_checks
from LaMoDCore.cohort.contour_checks import check_cohort
from LaMoDCore.heart.contour_origin import ContourOrigin
from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.io.results.contour_masks import write_contour_masks
from LaMoDCore.runtime.errors import LaMoDInputError

pytest.importorskip("bokeh")
NAME = "O'Neil <i> 50%"


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A clean ring, one with a hole in a frame, and a file that is no image."""
    home = tmp_path_factory.mktemp("checks")
    masks = home / "masks"
    masks.mkdir()
    write_ring(masks / "clean.seq.nrrd")
    path = write_ring(masks / f"{NAME}.seq.nrrd")
    stack = read_seq_nrrd(path)
    faulty = stack.frames.copy()
    wall = np.argwhere(faulty[3, 0] > 0)
    row, column = wall[len(wall) // 2]
    faulty[3, 0, row, column] = 0
    faulty[5] = 0
    write_seq_nrrd(path, faulty, stack.ijk_to_lps, stack.frame_times_ms, rr_ms=800.0)
    (masks / "broken.nii.gz").write_bytes(b"<script>")
    status = main(["check", str(masks), "--cohort", "--html", "--out", str(home / "out"), "--progress", "none"])
    return status, home / "out"


def test_every_case_has_a_row_and_a_folder(checked):
    status, out = checked
    with (out / "checks.csv").open(encoding="utf-8", newline="") as handle:
        rows = {row["id"]: row for row in csv.DictReader(handle)}
    assert status == 3 and len(rows) == 3
    faulty = next(row for name, row in rows.items() if name not in ("clean", "broken"))
    assert (rows["clean"]["repair"], rows["clean"]["frames"]) == ("0", "8")
    assert int(faulty["repair"]) == 1 and int(faulty["look"]) > int(rows["clean"]["look"])
    assert faulty["severity"] == "error"
    assert "broken.nii.gz" in rows["broken"]["failure"] and rows["broken"]["frames"] == "0"
    assert (out / "cases" / faulty["id"] / "findings.png").is_file()
    assert not (out / "cases" / "broken").exists()


def test_the_index_leads_to_pages_that_need_no_script(checked):
    _, out = checked
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "3 cases: 2 checked, 1 failed" in index and "broken.nii.gz" not in index
    assert index.count("data:image/webp;base64,") == 2
    folder = next(path for path in (out / "cases").iterdir() if path.name != "clean")
    page = unescape((folder / "check.html").read_text(encoding="utf-8"))
    assert "script-src 'none'" in page and "<script" not in page
    assert 'title="frame 6: repair"' in page and "Frame 6" in page
    assert folder.name.split("<")[0].split("'")[0] not in page.split("<body>")[1], "names may identify a patient"
    clean = (out / "cases" / "clean" / "check.html").read_text(encoding="utf-8")
    assert "0 to repair" in clean and 'title="frame 1: good"' in clean


def test_unsure_frames_are_marked_counted_and_listed_together(tmp_path):
    case = load_case(write_ring(tmp_path / "ring.seq.nrrd"))
    status = ("automatic", *3 * ("unsure",), *4 * ("automatic",))
    origin = ContourOrigin("an engine", "ab" * 32, "MIT", "blood-pool", status, (0.9,) * 8)
    ring = dataclasses.replace(case.slices[0], contour_origin=origin)
    (tmp_path / "masks").mkdir()
    write_contour_masks(dataclasses.replace(case, slices=(ring,)), tmp_path / "masks")
    found = check_cohort(tmp_path / "masks", tmp_path / "out", html=True)
    assert [(each.failure, each.unsure) for each in found] == [("", 3)]
    page = unescape((tmp_path / "out" / "cases" / "contours" / "check.html").read_text(encoding="utf-8"))
    assert re.findall(r'title="frame (\d): unsure"', page) == ["2", "3", "4"]
    assert "3 unsure and not reviewed" in page and "unsure automatic contour" in page
    assert "Frames 2–4: The automatic contour is unsure." in page


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("a fault")])
def test_a_page_that_fails_leaves_no_half_report(tmp_path, monkeypatch, error):
    (tmp_path / "masks").mkdir()
    write_ring(tmp_path / "masks" / "ring.seq.nrrd")
    monkeypatch.setattr(contour_checks, "check_page", Mock(side_effect=error))
    if isinstance(error, OSError):
        with pytest.raises(LaMoDInputError, match="No space left on device"):
            check_cohort(tmp_path / "masks", tmp_path / "out", html=True)
        assert not (tmp_path / "out").exists()
    else:
        found = check_cohort(tmp_path / "masks", tmp_path / "out", html=True)
        assert found[0].failure and not (tmp_path / "out" / "cases" / "ring").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--cohort", "--fix", "holes", "--out", "x"], "--fix: it is for a single heart"),
        (["--cohort"], "there is no folder for the reports"),
        (["--html"], "--html: it is for many cases"),
    ],
)
def test_the_command_refuses_what_does_not_fit(tmp_path, capsys, words, expected):
    assert main(["check", str(tmp_path), *words]) == 1
    assert expected in capsys.readouterr().err


def test_a_cohort_without_a_readable_case_is_refused(tmp_path, capsys):
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "one.nii.gz").write_bytes(b"")
    assert (
        main(["check", str(tmp_path / "masks"), "--cohort", "--out", str(tmp_path / "out"), "--progress", "none"]) == 1
    )
    assert "its only case cannot be read, one: " in capsys.readouterr().err
