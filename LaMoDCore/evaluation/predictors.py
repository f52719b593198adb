"""What is compared: each is a name and a function from a case to its motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from LaMoDCore.case import Case, Motion, SliceMotion
from LaMoDCore.errors import LaMoDInputError

ZERO = "zero"
_WITH, _WITHOUT = ":diffusion", ":no-diffusion"


@dataclass(frozen=True)
class Predictor:
    """A method under test.

    Attributes:
        name: as the tables show it.
        predict: motion of every slice of a case, on the case's own grid and frames.
    """

    name: str
    predict: Callable[[Case], Motion]


def zero_motion(case: Case) -> Motion:
    """Nothing moves: what every method has to beat."""
    still = [np.zeros((s.frames, 2, *s.grid.shape), dtype=np.float32) for s in case.slices]
    return Motion(tuple(SliceMotion(u) for u in still))


def make_predictors(names: Sequence[str], *, device: str, samples: int | None, seed: int) -> list[Predictor]:
    """Predictors by name.

    Args:
        names: ``zero``, or a model's name or folder; followed by ``:diffusion`` or ``:no-diffusion`` where the
            model's own setting is not wanted.
        device: auto, cpu, cuda or mps.
        samples: drawn per case; None is the model's own number.
        seed: of all randomness.

    Raises:
        LaMoDInputError: a name twice, or a model that cannot be loaded.
    """
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise LaMoDInputError("--models", f"'{twice[0]}' is named twice", "name each model once")
    return [
        Predictor(ZERO, zero_motion) if name == ZERO else _model_predictor(name, device, samples, seed)
        for name in names
    ]


def _model_predictor(name: str, device: str, samples: int | None, seed: int) -> Predictor:
    from LaMoDCore.devices import resolve_device
    from LaMoDCore.models import load_model
    from LaMoDCore.predict import predict_strain

    diffusion: bool | None = None
    bare = name
    for ending, value in ((_WITHOUT, False), (_WITH, True)):
        if name.endswith(ending):
            bare, diffusion = name.removesuffix(ending), value
    chosen, _ = resolve_device(device)
    model = load_model(bare, chosen)

    def predict(case: Case) -> Motion:
        return predict_strain(case, model, diffusion=diffusion, samples=samples, seed=seed).motion

    label = model.name + (
        name.removeprefix(bare).replace(":", ", ").replace("no-", "no ") if diffusion is not None else ""
    )
    return Predictor(label, predict)
