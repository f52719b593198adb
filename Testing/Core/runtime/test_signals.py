"""SIGTERM has the clean-up of Ctrl-C, and worker processes end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from LaMoDCore.cli import main
from LaMoDCore.runtime.output.new_folder import new_folder
from LaMoDCore.runtime.processes import start_time
from LaMoDCore.runtime.signals import Terminated, exit_code, terminating_signals, uninterrupted
from LaMoDCore.runtime.threads import one_thread_per_operation

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
#: A parent whose two workers sleep; prints their process numbers.
PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background jobs ignore Ctrl-C
sys.path.insert(0, sys.argv[1])
from pool_work import sleeping
from LaMoDCore.runtime.worker_pool import answers
if __name__ == "__main__":
    for task, pid in answers(range(4), sleeping, 2):
        print(pid, flush=True)
"""


@pytest.fixture(autouse=True)
def _in_the_foreground() -> Iterator[None]:
    """Tests in a background job of a shell inherit that Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_ends_with_the_code_of_the_signal_and_leaves_nothing(
    number: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write_and_stop(args: object) -> int:
        with new_folder(tmp_path / "deep" / "out", "a test", "test") as folder:
            (folder / "a.txt").write_text("half")
            signal.raise_signal(number)
            time.sleep(10)
        return 0

    monkeypatch.setattr("LaMoDCore.cli.settings.run", write_and_stop)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["settings"]) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_import_that_raises_another_error_is_an_interruption(
    number: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def import_a_library(args: object) -> int:
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            raise ImportError("numpy._core.multiarray failed to import") from None
        return 0

    monkeypatch.setattr("LaMoDCore.cli.settings.run", import_a_library)
    assert main(["settings"]) == code
    assert capsys.readouterr().err == "lamod: interrupted; nothing was written.\n"

    def fail(args: object) -> int:
        raise ImportError("no such library")

    monkeypatch.setattr("LaMoDCore.cli.settings.run", fail)
    with pytest.raises(ImportError):
        main(["settings"])


def test_ctrl_c_after_the_command_prints_nothing() -> None:
    line = "import atexit, os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    line += "atexit.register(signal.raise_signal, signal.SIGINT); from LaMoDCore.cli import main; "
    line += "sys.argv = ['lamod', '--version']; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", line], capture_output=True, encoding="utf-8", env=environment, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_signals_that_the_caller_ignores_stay_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminating_signals():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_do_not_change_handlers() -> None:
    seen = []

    def work() -> None:
        with terminating_signals(), uninterrupted():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_signal_is_delayed_until_the_end_of_a_block() -> None:
    done = []
    with pytest.raises(Terminated) as stop, terminating_signals(), uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        done.append("after the signal")
    assert done == ["after the signal"] and exit_code(stop.value) == 143
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        done.append("after Ctrl-C")
    assert done[-1] == "after Ctrl-C"


def test_a_signal_during_the_limit_of_threads_arrives_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """threadpoolctl is called back from C, where an exception of a handler would be printed and lost."""
    done = []

    def limits(*_args: object, **_options: object) -> AbstractContextManager[None]:
        signal.raise_signal(signal.SIGTERM)
        done.append("after the signal")
        return nullcontext()

    monkeypatch.setattr("threadpoolctl.threadpool_limits", limits)
    with pytest.raises(Terminated), terminating_signals(), one_thread_per_operation():
        done.append("in the block")
    assert done == ["after the signal"]


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_workers_end_with_their_parent(name: str) -> None:
    if os.name == "nt" and name != "SIGTERM":
        pytest.skip("Windows ends a process in one way only")
    line = [sys.executable, "-c", PARENT, str(HERE)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", env=environment
    ) as parent:
        assert parent.stdout is not None
        workers = [int(parent.stdout.readline()), int(parent.stdout.readline())]
        assert all(start_time(pid) is not None for pid in workers)  # they sleep for ten minutes now
        parent.send_signal(getattr(signal, name))
        parent.wait()
    deadline = time.monotonic() + 30
    while any(start_time(pid) is not None for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [start_time(pid) for pid in workers] == [None, None]
