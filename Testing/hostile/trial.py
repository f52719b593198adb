"""One malicious or odd input: how it is prepared, the command that reads it, and what is allowed to happen."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Writes the input into an empty folder, from the folder of valid files; random choices come from the generator.
Prepare = Callable[[Path, Path, random.Random], None]
#: A quick prediction of the valid masks with the valid model.
PREDICT = (
    "predict",
    "heart.nii",
    "--out",
    "out",
    "--model",
    "model",
    "--no-report",
    "--no-diffusion",
    "--progress",
    "none",
)


@dataclass(frozen=True)
class Trial:
    """One input and one command.

    Attributes:
        kind: kind of input, by which results are counted.
        name: unique within the kind; also the seed of its random numbers.
        words: the command, run in the folder of the input.
        prepare: writes the input.
        codes: allowed exit codes.
        outputs: names in the folder that the command may create or change with exit code 0 or 3.
        remains: names that it may create with any exit code, such as the run folder of a training.
        quick: whether the trial belongs to the representative set.
    """

    kind: str
    name: str
    words: Sequence[str]
    prepare: Prepare
    codes: Sequence[int] = (1,)
    outputs: Sequence[str] = ()
    remains: Sequence[str] = ()
    quick: bool = False

    @property
    def seed(self) -> str:
        return f"{self.kind}/{self.name}"
