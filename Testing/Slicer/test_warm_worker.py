"""The process that is kept for the next prediction: it is used once, and ends with its input."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

ANSWER = "import json, sys; words = json.loads(sys.stdin.readline() or '[]'); print('warm', *words)"


@pytest.fixture
def warm(slicer_app, monkeypatch):
    """The module, with a process that prints the words of its command."""
    from LaMoDSlicerLib.Worker import CoreLibrary, WarmWorker
    from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess

    monkeypatch.setattr(WarmWorker, "_STANDBY", ("-u", "-c", ANSWER))
    monkeypatch.setattr(CoreLibrary, "python", lambda: sys.executable)
    monkeypatch.setenv(WarmWorker.VARIABLE, "1")
    monkeypatch.setattr(WarmWorker, "DELAY_MS", 0)
    found = SimpleNamespace(app=slicer_app, module=WarmWorker, results=[], errors=[])
    found.worker = lambda: WorkerProcess(lambda _progress: None, found.results.append, found.errors.append)
    yield found
    WarmWorker.discard()


def prediction(*words):
    """A command line of a prediction that prints "cold" where it gets a process of its own."""
    return [sys.executable, "-m", "LaMoDCore", "predict", *words]


def cold(monkeypatch, warm):
    """Let commands that get a process of their own print "cold"."""
    from LaMoDSlicerLib.Worker import WorkerProcess as module

    popen = module.subprocess.Popen

    def start(command, **options):
        if command[1:4] == ["-m", "LaMoDCore", "predict"]:
            command = [sys.executable, "-c", "print('cold')"]
        return popen(command, **options)

    monkeypatch.setattr(module.subprocess, "Popen", start)


def ended(warm, count):
    return warm.app.mouse.spin(60, lambda: len(warm.results) + len(warm.errors) == count)


def waiting(warm):
    return warm.module._standby.process


def test_the_second_prediction_uses_the_process_that_the_first_left(warm, monkeypatch):
    cold(monkeypatch, warm)
    warm.worker().start(prediction("a.nrrd"))
    assert ended(warm, 1) and warm.results == [["cold"]]
    assert warm.app.mouse.spin(60, lambda: waiting(warm) is not None)
    warm.worker().start(prediction("b.nrrd", "--seed", "1"))
    assert ended(warm, 2) and warm.results[1] == ["warm predict b.nrrd --seed 1"]


def test_other_settings_get_a_new_process(warm, monkeypatch):
    cold(monkeypatch, warm)
    warm.worker().start(prediction("a.nrrd"))
    assert ended(warm, 1) and warm.app.mouse.spin(60, lambda: waiting(warm) is not None)
    process = waiting(warm)
    monkeypatch.setenv("LAMOD_MODELS", "elsewhere")
    warm.worker().start(prediction("a.nrrd"))
    assert ended(warm, 2) and warm.results == [["cold"], ["cold"]]
    assert process.wait(60) != 0


def test_no_process_starts_after_it_was_discarded_or_during_the_next_prediction(warm, monkeypatch):
    from LaMoDSlicerLib.Worker import CoreLibrary

    monkeypatch.setattr(warm.module, "DELAY_MS", 20)
    options = {"env": CoreLibrary.environment(), "text": True}
    for end in (warm.module.discard, lambda: warm.module.take(prediction("a.nrrd"), options)):
        warm.module.prepareSoon(options)
        end()
        warm.app.mouse.spin(0.2)
        assert waiting(warm) is None
    warm.module.prepareSoon(options)
    warm.module.take([sys.executable, "-m", "LaMoDCore", "contour"], options)
    assert warm.app.mouse.spin(60, lambda: waiting(warm) is not None), "other commands do not prevent it"


def test_the_process_ends_with_its_input_and_when_it_is_discarded(warm):
    from LaMoDSlicerLib.Worker import CoreLibrary

    options = {"env": CoreLibrary.environment(), "text": True}
    warm.module.prepare(options)
    process = waiting(warm)
    warm.module.prepare(options)
    assert waiting(warm) is process, "one process waits"
    process.stdin.close()  # as when Slicer has ended
    assert process.wait(60) == 0
    assert warm.module.take(prediction("a.nrrd"), options) is None and waiting(warm) is None
    warm.module.prepare(options)
    process = waiting(warm)
    warm.module.discard()
    assert process.wait(60) != 0 and waiting(warm) is None
