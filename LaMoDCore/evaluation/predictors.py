"""Methods to compare: each has a name and a function that predicts the motion of a case."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.evaluation.code_digest import code_digest
from LaMoDCore.heart.case import Case, CineSlice, Level, Motion, SliceMotion
from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from LaMoDCore.models.folder import LoadedModel
    from LaMoDCore.uncertainty.calibration import Calibration

ZERO = "zero"
_WITH, _WITHOUT, _SHOTS = ":diffusion", ":no-diffusion", ":registration"

#: Modules that convert slices to the canonical movie and back; methods on the canonical movie share them.
_CANONICAL = ("LaMoDCore.heart.canonical", "LaMoDCore.heart.outside_wall")
#: Modules that predict with a model, and with its registration network alone.
_PREDICTION = "LaMoDCore.prediction.slice_motion"
_SHOOTING = "LaMoDCore.baselines.registration_alone"

#: A method on the canonical movie: masks [40, 128, 128] and the slice's level -> displacement [40, 2, 128, 128] mm.
Track = Callable[[Array, Level], Array]


@dataclass(frozen=True)
class Predictor:
    """A method under test.

    Attributes:
        name: name in the tables.
        predict: returns the motion of every slice of a case, on the case's own grid and frames.
        identity: everything except the case that the prediction depends on; "" if unknown, which disables the cache.
        calibration: calibration of its samples, for intervals; None without one.
    """

    name: str
    predict: Callable[[Case], Motion]
    identity: str = ""
    calibration: Calibration | None = None


def zero_motion(case: Case) -> Motion:
    """Predict zero displacement, the baseline for every method."""
    still = [np.zeros((s.frames, 2, *s.grid.shape), dtype=np.float32) for s in case.slices]
    return Motion(tuple(SliceMotion(u) for u in still))


def canonical_motion(case: Case, track: Track) -> Motion:
    """Track every slice on its canonical movie, and resample the motion as for the output of a network."""
    return Motion(tuple(_tracked(slice_, case.reference_frame, track) for slice_ in case.slices))


def _tracked(slice_: CineSlice, reference_frame: int, track: Track) -> SliceMotion:
    from LaMoDCore.heart.canonical import displacement_to_source, to_canonical
    from LaMoDCore.heart.outside_wall import extend_beyond_wall

    canonical = to_canonical(slice_, reference_frame)
    found = extend_beyond_wall(track(canonical.occupancy, slice_.level), canonical.occupancy[0] > 0.5)
    return SliceMotion(displacement_to_source(found, canonical))


def make_predictors(
    names: Sequence[str], *, device: str, samples: int | None, seed: int, sampling: Mapping[str, Any] | None = None
) -> list[Predictor]:
    """Create predictors from their names.

    Args:
        names: ``zero``, ``itk-demons``, ``lddmm``, or the name or folder of a model or baseline. The suffix
            ``:diffusion`` or ``:no-diffusion`` overrides a LaMoD model's own setting; ``:registration`` selects its
            registration network alone.
        device: auto, cpu, cuda or mps.
        samples: number of samples per case; None selects the model's own number.
        seed: random seed.
        sampling: `space`, `sampler`, `start` and `steps` of `predict_strain`, for every LaMoD model that samples; those
            that are missing or None take the model's own value.

    Raises:
        LaMoDInputError: a name occurs twice, or a model cannot be loaded.
    """
    twice = [name for name in names if list(names).count(name) > 1]
    if twice:
        raise LaMoDInputError("--models", f"'{twice[0]}' occurs twice", "give each model once")
    made = [UNTRAINED[n]() if n in UNTRAINED else _model_predictor(n, device, samples, seed, sampling) for n in names]
    labels = [predictor.name for predictor in made]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise LaMoDInputError("--models", f"two models have the name '{twice[0]}'", "rename one of them")
    return made


def _demons() -> Predictor:
    from LaMoDCore.baselines.demons_tracking import track_by_demons

    return tracker("registration tracking (ITK demons)", track_by_demons)


def _matching() -> Predictor:
    from LaMoDCore.baselines.lddmm_tracking import track_by_matching

    return tracker("LDDMM matching", track_by_matching)


def tracker(name: str, track: Callable[..., Array], **settings: Any) -> Predictor:
    """A method without training: `track` of the masks [40, 128, 128] of the canonical movie, with its settings.

    Different settings need different names: the cache of predictions distinguishes them by name and code.
    """
    identity = f"{name} code {code_digest(track.__module__, *_CANONICAL)}"
    return Predictor(name, lambda case: canonical_motion(case, lambda masks, _: track(masks, **settings)), identity)


#: Methods that need no training, by name.
UNTRAINED: dict[str, Callable[[], Predictor]] = {
    ZERO: lambda: Predictor(ZERO, zero_motion),
    "itk-demons": _demons,
    "lddmm": _matching,
}


def _model_predictor(
    name: str, device: str, samples: int | None, seed: int, sampling: Mapping[str, Any] | None
) -> Predictor:
    from LaMoDCore.baselines import BaselineModel
    from LaMoDCore.models.folder import load_model
    from LaMoDCore.prediction.device_check import choose_device
    from LaMoDCore.prediction.options import ALGORITHM_1
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.uncertainty.intervals import calibration_of

    bare, ending = name, ""
    for known in (_WITHOUT, _WITH, _SHOTS):
        if name.endswith(known):
            bare, ending = name.removesuffix(known), known
    chosen, _ = choose_device(device)
    model = load_model(bare, chosen)
    weights = f"{model.weights_sha256} {json.dumps(model.network.config.to_dict(), sort_keys=True)}"
    if ending == _SHOTS:
        identity = f"{weights} {ending} code {code_digest(_SHOOTING, *_CANONICAL)}"
        return Predictor(f"{model.name}, registration alone", _registration_alone(model), identity)
    diffusion = {_WITH: True, _WITHOUT: False}.get(ending)
    drawn = None if isinstance(model.network, BaselineModel) or diffusion is False else samples
    given = {key: value for key, value in (sampling or {}).items() if value is not None}
    if isinstance(model.network, BaselineModel) or diffusion is False:
        given = {}
    settings = _settings(model, diffusion, drawn, given)
    identity = f"{weights} {settings} seed {seed} code {code_digest(_PREDICTION)}"

    def predict(case: Case) -> Motion:
        result = predict_strain(
            case, model, diffusion=diffusion, samples=drawn, independent_samples=True, seed=seed, **given
        )
        return result.motion

    label = model.name + ending.replace(":", ", ").replace("no-", "no ")
    label += ", Algorithm 1" if given == ALGORITHM_1 else "".join(f", {key} {value}" for key, value in given.items())
    return Predictor(label, predict, identity, calibration_of(model.description, model.name))


def _settings(model: LoadedModel, diffusion: bool | None, samples: int | None, sampling: Mapping[str, Any]) -> str:
    from LaMoDCore.prediction.options import resolve_options

    try:
        options = resolve_options(model, diffusion=diffusion, samples=samples, independent=True, **sampling)
        return json.dumps(asdict(options))
    except LaMoDInputError as error:
        return str(error)  # every case will be rejected, so nothing is cached


def _registration_alone(model: LoadedModel) -> Callable[[Case], Motion]:
    import torch

    from LaMoDCore.baselines.registration_alone import shot_displacement
    from LaMoDCore.heart.canonical import SPACING_MM
    from LaMoDCore.models.folder import lamod_network
    from LaMoDCore.networks.registration import level_number

    network = lamod_network(model)
    device = next(network.parameters()).device

    def track(occupancy: Array, level: Level) -> Array:
        with torch.inference_mode():
            masks = torch.from_numpy(occupancy)[None, None].to(device)
            levels = torch.tensor([level_number(level)], device=device)
            shot = np.moveaxis(shot_displacement(network, masks, levels)[0].cpu().numpy(), 0, 1)
        if not np.abs(shot).max() < occupancy.shape[-1] * SPACING_MM / 2:
            raise LaMoDInputError(
                model.name,
                "the displacement from its registration network leaves the image: its velocities are too large",
                "train the registration stage longer, or with more regularisation",
            )
        return shot

    return lambda case: canonical_motion(case, track)
