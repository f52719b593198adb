"""Interrupt a command by a signal at a moment, and check what it leaves behind."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from Testing.signals.commands import ROOT, Command

SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGKILL": -9}
#: Moment -> fraction of the progress that must be reached; "start" is while the command is imported.
MOMENTS = {"start": None, "middle": 0.3, "end": 0.95}
_MARKER, _OTHERS = ".lamod.json", "notes.txt"
_FOREIGN = ".out.tmp-1-0badf00d"
_PATIENCE_S = 60.0
Runner = Callable[[tuple[str, ...], Path], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Outcome:
    """One interrupted run: its exit code, and everything that is wrong."""

    code: int
    faults: tuple[str, ...]


def in_a_process(words: tuple[str, ...], home: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end, in a process of its own."""
    with _start(words, home) as process:
        text = process.communicate()[1]
    return subprocess.CompletedProcess(words, process.returncode, "", text)


def in_this_process(words: tuple[str, ...], home: Path) -> subprocess.CompletedProcess[str]:
    """As `in_a_process`, without the time to import the libraries."""
    from LaMoDCore.cli import main

    before, errors = Path.cwd(), io.StringIO()
    os.chdir(home)
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            code = main([*words, "--progress", "json"])
    finally:
        os.chdir(before)
    return subprocess.CompletedProcess(words, code, "", errors.getvalue())


def interrupt(
    command: Command, name: str, moment: str, home: Path, *, rerun: bool = True, run: Runner = in_a_process
) -> Outcome:
    """Start a command, send it a signal, check its output, and run it again.

    Args:
        command: the command.
        name: name of the signal.
        moment: a key of `MOMENTS`.
        home: a new folder in which the command runs.
        rerun: whether to run the command again afterwards.
        run: runs the command before and after the interrupted run.
    """
    home.mkdir()
    _prepare(home)
    before = None
    if command.replaces:
        run(command.words, home)
        before = contents(home / "out")
    code, ended, text = _signalled(command, name, moment, home)
    faults = [f"process {pid} runs on" for pid in ended]
    expected = SIGNALS[name]
    allowed = {expected, 0} if moment == "end" else {expected}
    if code not in allowed:
        faults.append(f"exit code {code} instead of {expected}: {text[-300:]}")
    if "Traceback" in text:
        faults.append(f"traceback: {text[max(0, text.index('Traceback') - 200) :][:2000]}")
    if name != "SIGKILL":
        faults += [f"left behind: {path}" for path in hidden(home)]
    faults += list(incomplete(home / "out"))
    if before is not None and code != 0 and (home / "out").exists() and contents(home / "out") != before:
        faults.append("the older output was changed")
    if rerun:
        again = run(command.again if (home / "out").exists() else command.words, home)
        if again.returncode != 0:
            faults.append(f"the next run failed: {again.stderr[-300:]}")
        faults += [f"left behind by the next run: {path}" for path in hidden(home)]
        faults += list(incomplete(home / "out"))
    if not (home / _FOREIGN / _OTHERS).exists() or not (home / _OTHERS).exists():
        faults.append("a file of somebody else is gone")
    return Outcome(code, tuple(faults))


def side_by_side(command: Command, home: Path, *, run: Runner = in_a_process) -> tuple[str, ...]:
    """Kill one of two runs in the same folder, and repeat it while the other one works; returns what is wrong."""
    home.mkdir()
    _prepare(home)
    first, second = (tuple(name if word == "out" else word for word in command.words) for name in ("first", "second"))
    with _start(first, home) as working:
        with _start(second, home) as killed:
            assert killed.stderr is not None
            killed.stderr.readline()
            killed.kill()
        repeated = run(second, home)
        text = working.communicate()[1]
    faults = [f"exit code {code}: {said[-300:]}" for code, said in (
        (working.returncode, text), (repeated.returncode, repeated.stderr)) if code != 0]  # fmt: skip
    for name in ("first", "second"):
        faults += list(incomplete(home / name)) if (home / name).exists() else [f"{name} is missing"]
    return (*faults, *(f"left behind: {path}" for path in hidden(home)))


def _prepare(home: Path) -> None:
    """Write files of somebody else, one of them in a folder that is named like a leftover."""
    (home / _FOREIGN).mkdir()
    for folder in (home, home / _FOREIGN):
        (folder / _OTHERS).write_text("mine", encoding="utf-8")


def _start(words: tuple[str, ...], home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "LaMoDCore", *words, "--progress", "json"]
    return subprocess.Popen(
        line, cwd=home, env=environment, encoding="utf-8", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def _signalled(command: Command, name: str, moment: str, home: Path) -> tuple[int, list[int], str]:
    """Exit code, processes that did not end, and everything on stderr."""
    lines: list[str] = []
    reached = threading.Event()
    fraction = MOMENTS[moment]

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if fraction is not None and line.startswith("{") and json.loads(line)["fraction"] >= fraction:
                reached.set()
        reached.set()

    with _start(command.words, home) as process:
        reader = threading.Thread(target=read)
        reader.start()
        if fraction is None:
            while process.poll() is None and not _has_started(process.pid):
                time.sleep(0.01)
        else:
            reached.wait()
        children = descendants(process.pid)
        process.send_signal(getattr(signal, name))
        process.wait()
        deadline = time.monotonic() + _PATIENCE_S
        while (left := [pid for pid in children if _is_running(pid)]) and time.monotonic() < deadline:
            time.sleep(0.05)
        reader.join(_PATIENCE_S)
    return process.returncode, left, "".join(lines)


def descendants(pid: int) -> list[int]:
    """All processes that a process has started (Linux)."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            direct = [int(word) for word in task.read_text(encoding="ascii").split()]
        except OSError:
            continue
        found += [each for child in direct for each in (child, *descendants(child))]
    return found


def _has_started(pid: int) -> bool:
    """Whether a process imports its command, which needs NumPy; before that it only starts Python."""
    try:
        return "numpy" in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def hidden(home: Path) -> list[str]:
    """Temporary folders below a folder, apart from the one of somebody else."""
    return [str(p.relative_to(home)) for p in home.rglob(".*.tmp-*") if p.name != _FOREIGN]


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of all files by relative name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def incomplete(out: Path) -> Iterator[str]:
    """Files of an output that are cut off, or differ from the marker of their folder."""
    for marker in out.rglob(_MARKER) if out.exists() else ():
        if any(".tmp-" in part for part in marker.relative_to(out).parts):
            continue
        for name, digest in json.loads(marker.read_text(encoding="utf-8"))["files"].items():
            file = marker.parent / name
            if digest and file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() not in digest.split():
                yield f"{file.relative_to(out)} differs from the marker"
    for file in out.rglob("*.json") if out.exists() else ():
        if not any(".tmp-" in part for part in file.relative_to(out).parts):
            try:
                json.loads(file.read_text(encoding="utf-8"))
            except ValueError:
                yield f"{file.relative_to(out)} is cut off"
    if out.exists() and not (out / _MARKER).exists():
        yield "it has no marker"
