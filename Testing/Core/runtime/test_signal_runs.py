"""A few of the runs of `python -m Testing.signals`, which interrupts six commands by three signals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from Testing.signals.commands import Command, commands, make_inputs
from Testing.signals.runs import descendants, in_this_process, interrupt, side_by_side

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system does not list child processes"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    make_inputs(folder, dense=False)
    return folder


def quick(home: Path, verb: str) -> Command:
    """A command without its pictures, which are drawn after all that is interrupted here."""
    command = commands(home)[verb]
    plain = () if verb == "predict-cohort" else ("--no-report",)
    return replace(command, words=(*command.words, *plain), again=(*command.again, *plain))


@pytest.mark.parametrize(
    ("verb", "name", "moment"),
    [("predict", "SIGKILL", "middle"), ("predict-cohort", "SIGTERM", "middle"), ("phantom", "SIGKILL", "middle")],
)
def test_an_interrupted_command_leaves_nothing(verb: str, name: str, moment: str, home: Path, tmp_path: Path) -> None:
    outcome = interrupt(quick(home, verb), name, moment, tmp_path / "run", rerun=name == "SIGKILL", run=in_this_process)
    assert not outcome.faults


def test_two_runs_side_by_side_keep_each_others_files(home: Path, tmp_path: Path) -> None:
    assert side_by_side(quick(home, "predict"), tmp_path / "run", run=in_this_process) == ()


def test_child_processes_are_found() -> None:
    import os
    import subprocess
    import sys

    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in descendants(os.getpid())
