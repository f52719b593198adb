"""The outcome of a command on one file: an exit code and a message within bounded time, or a failure."""

from __future__ import annotations

import contextlib
import io
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Limit of the CPU time, so that a busy machine causes no failures; and of the time on the clock, for hangs.
MAX_SECONDS = 10.0
MAX_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class Outcome:
    """Exit code, the line on stderr, CPU seconds, and the failure ("" if there is none)."""

    code: int | None
    sentence: str
    seconds: float
    failure: str


class _TooSlow(BaseException):
    """Not an Exception, so that no reader can catch it."""


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(signum: int, frame: object) -> None:
        raise _TooSlow

    timers = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, MAX_WAIT_SECONDS))
    previous = [signal.signal(number, stop) for number, _, _ in timers]
    for _, timer, limit in timers:
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for (number, timer, _), handler in zip(timers, previous, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def outcome_of(run: Callable[[], int], out: Path | None = None) -> Outcome:
    """Run a command in this process and check its outcome.

    Args:
        run: returns an exit code, like `LaMoDCore.cli.program.main`.
        out: the output folder, which must be complete after 0 and must not exist after 1.
    """
    errors = io.StringIO()
    code: int | None = None
    failure = ""
    start = time.process_time()
    try:
        with _at_most(MAX_SECONDS), contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            code = run()
    except _TooSlow:
        failure = f"took longer than {MAX_SECONDS:.0f} s"
    except Exception:
        failure = traceback.format_exc()
    seconds = time.process_time() - start
    lines = [line for line in errors.getvalue().splitlines() if line.strip()]
    sentence = lines[-1] if lines else ""
    if not failure:
        failure = _judge(code, lines, out)
    return Outcome(code, sentence, seconds, failure)


def _judge(code: int | None, lines: list[str], out: Path | None) -> str:
    if code not in (0, 1):
        return f"exit code {code}"
    if code == 1 and (len(lines) != 1 or not lines[0].startswith("lamod: ") or not lines[0].endswith(".")):
        return f"exit 1 without one sentence: {lines}"
    if out is not None:
        left = [p.name for p in out.parent.iterdir() if p != out and out.name in p.name]
        if left or (code == 1 and out.exists()):
            return f"left behind: {left or [out.name]}"
        if code == 0 and not (out / "strain.json").is_file():
            return "exit 0 without a result"
    return ""
