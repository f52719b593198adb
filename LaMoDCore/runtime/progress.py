"""Progress of a long job: a bar for people, JSON lines for programs, or nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Literal, TextIO

from LaMoDCore.runtime.plain_text import PLAIN, visible

ProgressMode = Literal["bar", "json", "none"]
PROGRESS_MODES: tuple[ProgressMode, ...] = ("bar", "json", "none")


class Progress:
    """Reports the progress of a job on stderr.

    Args:
        mode: "bar" draws one line that is overwritten (nothing if stderr is not a terminal), "json" prints one line
            `{"stage", "fraction", "message"}` per update, "none" prints nothing.
        stream: where to write; stderr by default.
    """

    def __init__(self, mode: ProgressMode = "none", stream: TextIO | None = None) -> None:
        if mode not in PROGRESS_MODES:
            raise ValueError(f"mode must be one of {', '.join(PROGRESS_MODES)}, got {mode!r}")
        self._mode = mode
        # the bar's own control characters are written to the unfiltered stream
        self._stream: TextIO = stream or sys.stderr
        self._bar: TextIO = getattr(self._stream, "unfiltered", None) or self._stream
        self._line_open = False

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        """Report that `fraction` (0…1) of the whole job is done and `stage` has begun."""
        fraction = min(max(float(fraction), 0.0), 1.0)
        if self._mode == "json":
            line = json.dumps({"stage": stage, "fraction": round(fraction, 4), "message": message})
            print(line, file=self._stream, flush=True)
        elif self._mode == "bar" and self._stream.isatty():
            filled = round(fraction * 24)
            text = f"[{'█' * filled}{'·' * (24 - filled)}] {fraction:4.0%} {visible(stage)}: {visible(message)}"
            encoding = getattr(self._bar, "encoding", None) or "utf-8"
            plain = text[:110].encode(encoding, PLAIN).decode(encoding)
            with suppress(OSError, ValueError):  # the terminal was closed
                print(f"\r\033[K{plain}", end="", file=self._bar, flush=True)
            self._line_open = True

    def close(self) -> None:
        """End the line of the bar."""
        if self._line_open:
            print(file=self._stream, flush=True)
            self._line_open = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Parts:
    """The progress of a job with several parts as one fraction, which only rises.

    Args:
        progress: receives the fraction of the whole job.
        shares: name of each part -> its expected share of the time, in any unit.
    """

    def __init__(self, progress: Progress, shares: Mapping[str, float]) -> None:
        self._progress, self._shares = progress, dict(shares)
        self._done = dict.fromkeys(shares, 0.0)

    def part(self, name: str) -> Progress:
        """The progress to update during one part."""
        return _Part(self, name)

    def complete(self, name: str) -> None:
        """Count a part as done, such as one whose result of an earlier run is used."""
        self._done[name] = 1.0

    def update(self, name: str, stage: str, fraction: float, message: str) -> None:
        """Report that `fraction` (0…1) of one part is done."""
        self._done[name] = max(self._done[name], min(max(float(fraction), 0.0), 1.0))
        done = sum(share * self._done[part] for part, share in self._shares.items())
        self._progress.update(stage, done / max(sum(self._shares.values()), 1e-12), message)


class _Part(Progress):
    def __init__(self, parts: Parts, name: str) -> None:
        super().__init__("none")
        self._parts, self._name = parts, name

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        self._parts.update(self._name, stage, fraction, message)


SILENT = Progress("none")
