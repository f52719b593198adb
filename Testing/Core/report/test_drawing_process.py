"""The report is drawn by a second process: the same bytes, and no process is left."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from LaMoDCore.heart.case import Motion, SliceMotion
from LaMoDCore.report import write_report
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
    from pathlib import Path

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
    from io import BytesIO

    class Samples:
        """A class that the process cannot import."""

        shape = (2, 8, 2, 4, 4)

    motion = Motion(tuple(SliceMotion(each.displacement_mm, Samples()) for each in result.motion.slices))
    sent = BytesIO()
    process = DrawingProcess.__new__(DrawingProcess)
    process._process = type("Process", (), {"stdin": sent})()
    from pathlib import Path

    process.begin(replace(result, motion=motion), Path("report.png"), Path("report.pdf"))
    shown = pickle.loads(sent.getvalue())[0]
    assert shown.motion.slices[0].samples_mm is None
    assert np.array_equal(shown.slices[0].myocardium, result.slices[0].myocardium)
    assert b"torch" not in sent.getvalue().replace(b"torch_version", b"")


def test_serving_ends_with_the_input(tmp_path):
    from io import BytesIO

    answers = BytesIO()
    serve(BytesIO(), answers)
    assert answers.getvalue() == b""
