"""The check for a genuine Slicer (`make test-in-slicer`) in the stand-in: every step, the report and the launcher."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from Testing.InSlicer import launch
from Testing.Slicer import panel


@pytest.fixture
def ready(slicer_app, fake_worker, monkeypatch):
    fake_worker("ok")
    panel.without_pauses(monkeypatch)
    import slicer
    from LaMoDSlicerLib.Worker import Dependencies

    monkeypatch.setattr(Dependencies, "missing", lambda *_: [])
    monkeypatch.setattr(slicer.app, "testingEnabled", lambda: False)
    return slicer_app


def test_every_step_passes_and_the_report_lists_it(ready, fake_worker, tmp_path, monkeypatch):
    import slicer

    from Testing.InSlicer import check
    from Testing.InSlicer.controls import Controls
    from Testing.InSlicer.steps import STEPS

    monkeypatch.setenv("LAMOD_CHECK_OUT", str(tmp_path / "report"))
    start = Controls.start_prediction

    def start_slowly(controls: Controls) -> Any:
        """Start a prediction that runs until it is ended."""
        fake_worker("slow")
        return start(controls)

    monkeypatch.setattr(Controls, "start_prediction", start_slowly)
    code = check.main()
    ui = slicer.modules.LaMoDSlicerWidget.ui  # the module was reloaded
    assert not ui.heartButton.collapsed
    assert not ui.strainButton.collapsed
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    # the scene reader warns about the rotated slice view, as Slicer's does
    slicer_faults = ready.faults.found
    slicer_faults[:] = [fault for fault in slicer_faults if "preset name: Reformat" not in fault]
    assert code == 0, page
    rows = re.findall(r"^\| ([^|]+) \| (\S+) (passed|left out|failed) \|", page, re.MULTILINE)
    assert [name for name, _sign, _state in rows] == list(STEPS)
    assert {state for _name, _sign, state in rows} == {"passed"}
    pictures = re.findall(r"\((\d\d-.*\.png)\)", page)
    assert len(pictures) >= 15
    assert all((tmp_path / "report" / name).stat().st_size > 5000 for name in pictures)
    for fact in ("stand-in for 5.12", "numpy", "Python", "dialogs"):
        assert fact in page
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        assert {"report.md", *pictures} <= set(archive.namelist())


def test_a_failed_step_and_an_error_in_a_slot_are_in_the_report(host, tmp_path):
    from Testing.InSlicer.report import LeftOutError, Report

    def fails(_session):
        raise ValueError("planned")

    def slot_fails(_session):
        sys.excepthook(ValueError, ValueError("in a slot"), None)
        return ""

    def leaves_out(_session):
        raise LeftOutError("torch is not installed")

    report = Report(tmp_path / "report")
    for name, step in (("a", fails), ("b", slot_fails), ("c", leaves_out), ("d", lambda _session: "3 frames/s")):
        report.perform(name, step, None)
    report.write()
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert [row[1] for row in report.rows] == ["failed", "failed", "left out", "passed"]
    assert report.exit_code == 1
    for text in ("1 of 4 steps passed", "ValueError: planned", "in a slot", "torch is not installed", "3 frames/s"):
        assert text in page


@pytest.mark.parametrize("inside", ["", "Slicer", "Slicer.exe", "Contents/MacOS/Slicer"])
def test_the_launcher_finds_the_program(tmp_path, inside):
    program = tmp_path / "Slicer 5.12" / (inside or "Slicer-real")
    program.parent.mkdir(parents=True)
    program.touch()
    given = tmp_path / "Slicer 5.12" if inside else program
    assert launch.program_in(given) == program
    command = launch.command(program)
    assert command[0] == str(program)
    assert Path(command[-1]).is_file()
    with pytest.raises(FileNotFoundError, match="neither Slicer's program"):
        launch.program_in(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="the program is a shell script")
@pytest.mark.parametrize(("ends", "expected"), [("report", 0), ("silent", 1)])
def test_the_launcher_reports_what_slicer_wrote(tmp_path, monkeypatch, capsys, ends, expected):
    program, out = tmp_path / "Slicer", tmp_path / "out"
    writes = 'mkdir -p "$LAMOD_CHECK_OUT"; echo "# page $LAMOD_CHECK_INSTALL" > "$LAMOD_CHECK_OUT/report.md"'
    program.write_text(f"#!/bin/sh\n{writes if ends == 'report' else 'exit 3'}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["launch", "--slicer", str(tmp_path), "--out", str(out), "--install"])
    assert launch.main() == expected
    printed = capsys.readouterr()
    if ends == "report":
        assert (out / "report.md").read_text() == "# page 1\n\nSlicer ended with exit code 0.\n"
        assert str(out / "report.md") in printed.out
    else:
        assert "ended with code 3 and wrote no report" in printed.err
