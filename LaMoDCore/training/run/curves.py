"""Training curves of a run, read from its log.jsonl while it grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LaMoDCore.runtime.json_file import parse_json

_LOG = "log.jsonl"


@dataclass
class StageCurve:
    """Curves of one stage over the steps of the run.

    Attributes:
        stage: its name.
        steps: [n] global step of every training line.
        loss: [n] mean training loss since the start of the epoch.
        epoch_steps: [m] global step at the end of every epoch.
        validation: [m] validation loss, NaN if it was not computed.
        endpoint_mm: [m] mean endpoint error in validation, NaN if it was not computed.
    """

    stage: str
    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    epoch_steps: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    endpoint_mm: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Number of completed epochs."""
        return len(self.epoch_steps)


class RunCurves:
    """Follows the log of a run; a log that was truncated when the run was resumed is read again.

    Args:
        folder: folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _LOG
        self._read = 0
        self.stages: dict[str, StageCurve] = {}

    @property
    def epochs(self) -> int:
        """Number of completed epochs in all stages."""
        return sum(curve.epochs for curve in self.stages.values())

    def update(self) -> bool:
        """Read the new complete lines; returns whether there were any."""
        try:
            with self._file.open("rb") as stream:
                size = stream.seek(0, 2)
                if size < self._read:
                    self._read, self.stages = 0, {}
                stream.seek(self._read)
                fresh = stream.read()
        except OSError:
            return False
        whole = fresh[: fresh.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                self._append(parse_json(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # a line of a newer LaMoD, or cut off by a full disk
        return bool(whole)

    def _append(self, line: dict[str, Any]) -> None:
        curve = self.stages.setdefault(str(line["stage"]), StageCurve(str(line["stage"])))
        step = int(line["global_step"])
        if line["kind"] == "step":
            curve.steps.append(step)
            curve.loss.append(float(line["train"]["loss"]))
        elif line["kind"] == "epoch":
            curve.epoch_steps.append(step)
            curve.validation.append(float(line["val"].get("loss", "nan")))
            curve.endpoint_mm.append(float(line["val"].get("endpoint_mm", "nan")))
