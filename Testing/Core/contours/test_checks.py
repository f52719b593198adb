"""Planted faults are found in their frame; clean frames, and frames next to a fault, have no findings."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.contours.check import check_contours, check_slice
from LaMoDCore.contours.findings import Fault, Light
from LaMoDCore.contours.report_files import finding_lines
from LaMoDCore.heart.cycle.shapes import expected_from_neighbours
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.notes import CODES, Note
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from Testing.Core.contours.planted_faults import PLANTERS, reader_slice


@pytest.fixture(scope="module")
def drawn():
    return reader_slice(3, pictures=True)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda f: f.value)
def test_a_planted_fault_is_found_in_its_frame(drawn, fault):
    rng = np.random.default_rng([1, list(Fault).index(fault)])
    findings = check_slice(PLANTERS[fault](drawn, 11, rng))
    frames = {f.frame for f in findings if f.fault is fault}
    assert frames & ({0} if fault is Fault.OUT_OF_REGISTER else {11})
    for finding in findings:
        assert finding.text.endswith(".")
        assert np.isfinite([finding.value, finding.limit]).all()


def test_clean_frames_have_no_findings():
    flagged = {(k, f.frame) for k in (3, 8, 10) for f in check_slice(reader_slice(k).slice)}
    assert len(flagged) <= 2


def test_frames_next_to_a_jump_are_not_flagged(drawn):
    rng = np.random.default_rng(4)
    findings = check_slice(replace(PLANTERS[Fault.CENTER_JUMP](drawn, 11, rng), cine=None))
    assert {f.frame for f in findings if f.fault is Fault.CENTER_JUMP} == {11}


def test_a_slice_without_contours_has_no_findings(drawn):
    nothing = replace(drawn.slice, myocardium=np.zeros_like(drawn.slice.myocardium))
    assert check_slice(nothing) == ()


def test_lights_by_severity(drawn):
    rng = np.random.default_rng(0)
    lights = {}
    for fault in (Fault.EMPTY, Fault.OPEN_RING, Fault.HOLE, Fault.AREA_JUMP):
        report = check_contours([replace(PLANTERS[fault](drawn, 8, rng), cine=None)])
        lights[fault] = report.lights(0)[8]
    assert lights[Fault.EMPTY] is lights[Fault.OPEN_RING] is Light.REPAIR
    assert lights[Fault.HOLE] is lights[Fault.AREA_JUMP] is Light.LOOK


def ring_stack(shift_mm=0.0, swell_mm=0.0):
    """Five slices 8 mm apart along a tilted ventricle, the middle one shifted or its wall thickened."""
    y, x = np.mgrid[:96, :96] * 1.5
    slices = []
    for k in range(5):
        affine = np.diag([1.5, 1.5, 8.0, 1.0])
        affine[2, 3] = 8.0 * k
        center = 70.0 + 2.0 * k + (shift_mm if k == 2 else 0.0)
        radius = np.hypot(x - center, y - 70.0)
        wall = (radius > 22) & (radius <= 30 + (swell_mm if k == 2 else 0.0))
        template = reader_slice(3).slice
        slices.append(
            replace(
                template,
                name=f"slice {k}",
                grid=SliceGrid(wall.shape, affine),
                myocardium=np.stack([wall] * template.frames),
                cavity=None,
                cine=None,
            )
        )
    return slices


def test_a_slice_of_another_breath_hold_is_found_along_the_heart():
    assert check_contours(ring_stack()).is_clean
    found = check_contours(ring_stack(shift_mm=6.0)).findings
    assert {(f.fault, f.slice_index) for f in found} == {(Fault.CENTER_JUMP, 2)}
    assert found[0].value == pytest.approx(6.0, abs=0.3)


def test_a_wall_drawn_thicker_than_above_and_below_is_found():
    kinds = {(f.fault, f.slice_index) for f in check_contours(ring_stack(swell_mm=3.0)).findings}
    assert kinds == {(Fault.AREA_JUMP, 2), (Fault.THICKNESS_JUMP, 2)}


def test_expected_from_neighbours_ignores_one_fault_and_open_ends():
    steady = np.arange(10.0)
    assert np.allclose(expected_from_neighbours(steady, closes=False)[2:-2], steady[2:-2])
    faulty = np.full(10, 5.0)
    faulty[4] = 50.0
    assert np.allclose(expected_from_neighbours(faulty, closes=True), 5.0)
    unknown = np.array([1.0, np.nan, np.nan, np.nan, 2.0, 3.0])
    assert np.isnan(expected_from_neighbours(unknown, closes=False)[0])


def write_masks(path, slice_):
    write_seq_nrrd(
        path, slice_.myocardium[:, None].astype(np.uint8), slice_.grid.ijk_to_lps, slice_.frame_times_ms,
        rr_ms=slice_.rr_ms,
    )  # fmt: skip


def test_the_command_prints_and_writes_findings(tmp_path, capsys, drawn):
    rng = np.random.default_rng(0)
    broken = PLANTERS[Fault.OPEN_RING](drawn, 8, rng)
    write_masks(tmp_path / "broken.seq.nrrd", broken)
    write_masks(tmp_path / "clean.seq.nrrd", drawn.slice)
    assert main(["check", str(tmp_path / "clean.seq.nrrd")]) == 0
    assert "0 to look at" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "broken.seq.nrrd"), "--out", str(tmp_path / "out")]) == 3
    text = capsys.readouterr().out
    assert "frame 8 " in text
    assert "open ring" in text
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        *(".lamod.json", "findings.json", "findings.csv", "findings.png")
    }
    assert main(["check", str(tmp_path / "broken.seq.nrrd"), "--json"]) == 3
    report = json.loads(capsys.readouterr().out)
    assert report["slices"][0]["lights"][8] == "repair"
    finding = report["findings"][0]
    assert Note.from_dict(finding).code == "contour_open_ring"
    assert (finding["fault"], finding["severity"], finding["slice"], finding["frame"]) == ("open ring", "error", 1, 8)
    assert finding["value"] < finding["limit"]
    assert all(isinstance(note, dict) for note in report["notes"])


@pytest.mark.parametrize("fault", list(Fault), ids=lambda f: f.value)
def test_every_fault_has_a_note_code_with_a_remedy(fault):
    assert CODES[fault.code].remedy


def test_equal_findings_of_many_frames_share_a_line(drawn):
    masks = drawn.slice.myocardium.copy()
    masks[3:8] = False
    report = check_contours([replace(drawn.slice, myocardium=masks)], 0)
    empty = [line for line in finding_lines(report) if "empty" in line]
    assert len(empty) == 1
    assert "frames 3–7" in empty[0]
