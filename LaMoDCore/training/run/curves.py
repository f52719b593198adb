"""The curves of a run, read from its log.jsonl as it grows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_LOG = "log.jsonl"


@dataclass
class StageCurve:
    """One stage's curves over the run's steps.

    Attributes:
        stage: its name.
        steps: [n] global step of every training line.
        loss: [n] mean training loss of the epoch up to there.
        epoch_steps: [m] global step at every epoch's end.
        validation: [m] loss on the validation slices, NaN where there are none.
        endpoint_mm: [m] mean endpoint error on them, NaN where the stage does not measure it.
    """

    stage: str
    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    epoch_steps: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    endpoint_mm: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many were validated."""
        return len(self.epoch_steps)


class RunCurves:
    """Follows a run's log; a log that was cut at a resumption is read anew.

    Args:
        folder: the run's.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _LOG
        self._read = 0
        self.stages: dict[str, StageCurve] = {}

    @property
    def epochs(self) -> int:
        """Epochs done in all stages together."""
        return sum(curve.epochs for curve in self.stages.values())

    def update(self) -> bool:
        """Take what was written since; says whether anything was. A line that is half written waits."""
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
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # a line of a newer LaMoD, or a disk that was full
        return bool(whole)

    def _take(self, line: dict[str, Any]) -> None:
        curve = self.stages.setdefault(str(line["stage"]), StageCurve(str(line["stage"])))
        step = int(line["global_step"])
        if line["kind"] == "step":
            curve.steps.append(step)
            curve.loss.append(float(line["train"]["loss"]))
        elif line["kind"] == "epoch":
            curve.epoch_steps.append(step)
            curve.validation.append(float(line["val"].get("loss", "nan")))
            curve.endpoint_mm.append(float(line["val"].get("endpoint_mm", "nan")))
