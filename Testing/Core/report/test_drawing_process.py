"""The report is drawn by a second process: the same bytes, and no process is left."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.heart.case import Motion, SliceMotion
from LaMoDCore.report import drawing_process, write_report
from LaMoDCore.report.drawing_process import DrawingProcess, serve
from Testing.Core.report.test_report_words import heart

FILES = ["report.png", "report.pdf"]


@pytest.fixture(scope="module")
def result():
    return heart("mid")


@pytest.fixture(scope="module")
def drawn(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    write_report(result, *(folder / name for name in FILES))
    return [(folder / name).read_bytes() for name in FILES]


def test_the_process_writes_the_same_bytes(result, drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contourpy.py").write_text("raise SystemExit('a file of the working folder was imported')")
    with DrawingProcess() as process:
        started = process._process
        assert started is not None
        process.begin(result, *map(Path, FILES))
        assert process.finish() == FILES
        assert process._process is started, "the report was drawn by the process"
    assert started.poll() is not None
    assert [(tmp_path / name).read_bytes() for name in FILES] == drawn


def test_a_process_that_ended_is_replaced_by_this_one(result, drawn, tmp_path):
    with DrawingProcess() as process:
        process._process.kill()
        process._process.wait()
        process.begin(result, *(tmp_path / name for name in FILES))
        assert process.finish() == FILES
    assert [(tmp_path / name).read_bytes() for name in FILES] == drawn


def test_another_answer_than_expected_is_not_trusted(result, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing_process, "_PROGRAM", "print('printed by a library'); input()")
    with DrawingProcess() as process:
        process.begin(result, *(tmp_path / name for name in FILES))
        assert process.finish() == FILES
    assert [(tmp_path / name).read_bytes() for name in FILES] == drawn


def test_a_process_that_cannot_be_started_is_replaced_by_this_one(result, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "missing"))
    with DrawingProcess() as process:
        process.begin(result, *(tmp_path / name for name in FILES))
        assert process.finish() == FILES
    assert [(tmp_path / name).read_bytes() for name in FILES] == drawn


def test_the_process_needs_no_torch(result):
    """Its modules and the result that it receives; importing torch takes longer than drawing."""
    import pickle
    from dataclasses import replace

    class Samples:
        """A class that the process cannot import."""

        shape = (2, 8, 2, 4, 4)

    motion = Motion(tuple(SliceMotion(each.displacement_mm, Samples()) for each in result.motion.slices))
    sent = BytesIO()
    process = DrawingProcess.__new__(DrawingProcess)
    process._process = type("Process", (), {"stdin": sent})()
    process.begin(replace(result, motion=motion), Path("report.png"), Path("report.pdf"))
    shown = pickle.loads(sent.getvalue())[0]
    assert shown.motion.slices[0].samples_mm is None
    assert np.array_equal(shown.slices[0].myocardium, result.slices[0].myocardium)
    assert b"torch" not in sent.getvalue().replace(b"torch_version", b"")


def test_serving_ends_with_the_input(tmp_path):
    answers = BytesIO()
    serve(BytesIO(), answers)
    assert answers.getvalue() == b""
