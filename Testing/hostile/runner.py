"""Run trials in forked copies of one warm process, with limits on memory and time, and judge what they did.

A fork shares the imported libraries, so that a trial costs tenths of a second. Needs Linux.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import resource
import signal
import stat
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trial import Trial

#: Limits of a trial: CPU seconds, seconds on the clock of a busy machine, and peak memory with the libraries.
MAX_SECONDS, MAX_WAIT_SECONDS, MAX_BYTES = 10.0, 300.0, 2 << 30
_CRASHED = 70
_TRACEBACK = "traceback.txt"


@dataclass(frozen=True)
class Verdict:
    """What a trial did.

    Attributes:
        kind, name, words: of the trial.
        code: exit code, or minus the signal's number.
        seconds: CPU seconds.
        peak: peak memory in bytes.
        line: the last line on stderr.
        faults: what must not have happened; empty if all is well.
    """

    kind: str
    name: str
    words: Sequence[str]
    code: int
    seconds: float
    peak: int
    line: str
    faults: Sequence[str]


def warm_up() -> None:
    """Import what commands import, once, in one thread."""
    import importlib

    import torch

    torch.set_num_threads(1)
    for name in (
        "scipy.io", "scipy.ndimage", "scipy.interpolate", "scipy.optimize", "scipy.stats", "SimpleITK", "pydicom",
        "pydicom.pixels", "safetensors.torch", "matplotlib.backends.backend_agg", "matplotlib.pyplot",
    ):  # fmt: skip
        importlib.import_module(name)
    for name in ("onnxruntime", "skimage.restoration", "lightning_fabric"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from LaMoDCore.cli.program import COMMANDS

    for module in COMMANDS.values():
        importlib.import_module(f"LaMoDCore.cli.{module}")
    for name in (
        "LaMoDCore.io", "LaMoDCore.prediction.predict", "LaMoDCore.prediction.writer", "LaMoDCore.cohort",
        "LaMoDCore.evaluation", "LaMoDCore.evaluation.run", "LaMoDCore.evaluation.predictors", "LaMoDCore.dense",
        "LaMoDCore.models.store", "LaMoDCore.training.networks.train", "LaMoDCore.training.posterior.train",
        "LaMoDCore.contours.automatic.draw", "LaMoDCore.contours.automatic.heart_contours", "LaMoDCore.contours.review",
    ):  # fmt: skip
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run(trial: Trial, valid: Path) -> Verdict:
    """Prepare a trial in a temporary folder, run it in a forked process and judge it."""
    with tempfile.TemporaryDirectory(prefix="lamod-hostile-") as name:
        home = Path(name)
        work = home / "work"
        for folder in (work, home / "tmp", home / "home"):
            folder.mkdir()
        (work / "users-own.txt").write_text("a file of the user", encoding="utf-8")
        try:
            trial.prepare(work, valid, random.Random(trial.seed))
        except Exception as error:
            fault = f"cannot be prepared: {type(error).__name__}: {error}"
            return Verdict(trial.kind, trial.name, trial.words, 0, 0.0, 0, "", [fault])
        before = _snapshot(work)
        pid = os.fork()
        if pid == 0:
            _child(trial, home)
        code, seconds, peak, faults = _wait(pid)
        faults += _judge(trial, code, home, before)
        if seconds > MAX_SECONDS:
            faults.append(f"took {seconds:.1f} s of CPU time")
        if peak > MAX_BYTES:
            faults.append(f"used {peak / 2**30:.2f} GiB")
        lines = _text(home / "stderr").splitlines()
        _make_removable(home)
        return Verdict(trial.kind, trial.name, trial.words, code, seconds, peak, lines[-1] if lines else "", faults)


def _child(trial: Trial, home: Path) -> None:
    code = _CRASHED
    try:
        os.setsid()
        for number, name in ((0, os.devnull), (1, "stdout"), (2, "stderr")):
            path = home / name if number else Path(name)
            opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
            for number, mode in ((0, "r"), (1, "w"), (2, "w"))
        )
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_BYTES, MAX_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(3 * MAX_SECONDS), int(3 * MAX_SECONDS)))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MAX_BYTES, used + MAX_BYTES))
        os.chdir(home / "work")
        tempfile.tempdir = str(home / "tmp")
        os.environ.update(
            HOME=str(home / "home"), TMPDIR=str(home / "tmp"), LAMOD_MODELS=str(home / "home" / "models"),
            LAMOD_ENGINES=str(home / "home" / "engines"), LAMOD_TRACEBACK="1",
        )  # fmt: skip
        sys.argv = ["lamod", *trial.words]
        from LaMoDCore.cli import main

        code = main()
    except BaseException:
        (home / _TRACEBACK).write_text(traceback.format_exc(), encoding="utf-8", errors="backslashreplace")
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


def _wait(pid: int) -> tuple[int, float, int, list[str]]:
    end = time.monotonic() + MAX_WAIT_SECONDS
    faults: list[str] = []
    pause = 0.002
    while True:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            break
        if time.monotonic() > end and not faults:
            faults.append(f"did not end within {MAX_WAIT_SECONDS:.0f} s")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.05, pause * 1.3)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
        faults.append("left processes behind")
    code = os.waitstatus_to_exitcode(status)
    return code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, faults


def _judge(trial: Trial, code: int, home: Path, before: dict[str, str]) -> list[str]:
    faults = []
    if (home / _TRACEBACK).exists():
        faults.append(_text(home / _TRACEBACK))
    out, err = _text(home / "stdout"), _text(home / "stderr")
    lines = [line for line in err.splitlines() if line.strip()]
    if code < 0:
        faults.append(f"ended by signal {-code}")
    elif code not in trial.codes and code != _CRASHED:
        faults.append(f"exit code {code}, not {' or '.join(map(str, trial.codes))}: {err.strip()[:300]}")
    if "Traceback (most recent" in err + out or "this is a fault of LaMoD" in err:
        faults.append(f"a traceback: {err[-500:]}")
    if "not enough memory" in err:
        faults.append("ran out of memory")
    if code == 1 and "predict-cohort" not in trial.words:
        if len(lines) != 1 or not lines[0].startswith("lamod: ") or not lines[0].endswith("."):
            faults.append(f"exit 1 without one sentence: {lines[:4]}")
        elif len(lines[0]) > 2 * 4096:
            faults.append(f"a message of {len(lines[0])} characters")
    odd = {c for c in out + err if not c.isprintable() and c not in "\n\t\xa0\u2009\u202f"}
    if odd:
        faults.append(f"control characters in the output: {sorted(map(hex, map(ord, odd)))}")
    faults += _changes(trial, code, before, _snapshot(home / "work"))
    left = [path.name for path in (home / "tmp").iterdir()]
    if left:
        faults.append(f"left in the temporary folder: {left[:3]}")
    return faults


def _changes(trial: Trial, code: int, before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    allowed = (*trial.remains, *(trial.outputs if code in (0, 3) else ()))
    for name in sorted({*before, *after}, key=str):
        if before.get(name) == after.get(name) or name.split("/")[0] in allowed:
            continue
        what = "deleted" if name not in after else "created" if name not in before else "changed"
        yield f"{what}: {name}"


def _snapshot(folder: Path) -> dict[str, str]:
    """Kind, size and contents of everything in a folder; large files by their size and time."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(root, name)
            status = os.lstat(path)
            about = f"{stat.S_IFMT(status.st_mode)}"
            if stat.S_ISREG(status.st_mode):
                about += f" {status.st_size} "
                if status.st_size > 1 << 22:
                    about += str(status.st_mtime_ns)
                elif os.access(path, os.R_OK):
                    with open(path, "rb") as stream:
                        about += hashlib.sha256(stream.read()).hexdigest()
            found[os.path.relpath(path, folder)] = about
    return found


def _make_removable(home: Path) -> None:
    for root, folders, _ in os.walk(home):
        for name in folders:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(root, name), 0o755)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="backslashreplace") if path.exists() else ""
