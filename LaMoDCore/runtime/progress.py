"""Progress of a long job: a bar for people, JSON lines for programs, silence for tests."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import Literal, TextIO

ProgressMode = Literal["bar", "json", "none"]
PROGRESS_MODES: tuple[ProgressMode, ...] = ("bar", "json", "none")


class Progress:
    """Says how far a job is, on stderr.

    Args:
        mode: "bar" draws one line that is overwritten (nothing where stderr is no terminal), "json" prints a line
            `{"stage", "fraction", "message"}` at every update, "none" is silent.
        stream: where to write; stderr by default.
    """

    def __init__(self, mode: ProgressMode = "none", stream: TextIO | None = None) -> None:
        if mode not in PROGRESS_MODES:
            raise ValueError(f"mode must be one of {', '.join(PROGRESS_MODES)}, got {mode!r}")
        self._mode = mode
        self._stream = stream or sys.stderr
        self._line_open = False

    def update(self, stage: str, fraction: float, message: str = "") -> None:
        """Say that the whole job has come to `fraction` (0…1) and is now at `stage`."""
        fraction = min(max(float(fraction), 0.0), 1.0)
        if self._mode == "json":
            line = json.dumps({"stage": stage, "fraction": round(fraction, 4), "message": message})
            print(line, file=self._stream, flush=True)
        elif self._mode == "bar" and self._stream.isatty():
            filled = round(fraction * 24)
            text = f"[{'█' * filled}{'·' * (24 - filled)}] {fraction:4.0%} {stage}: {message}"
            print(f"\r\033[K{text[:110]}", end="", file=self._stream, flush=True)
            self._line_open = True

    def close(self) -> None:
        """End the bar's line."""
        if self._line_open:
            print(file=self._stream, flush=True)
            self._line_open = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


SILENT = Progress("none")
