"""Calibrated intervals in a result: its standard deviations, and what strain.json says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.canonical import cycle_phases
from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.uncertainty.calibration import CONFIDENCE, Calibration

if TYPE_CHECKING:  # results are written where torch need not be
    from LaMoDCore.models.folder import LoadedModel
    from LaMoDCore.uncertainty.familiarity import UnlikeTraining

ROTATION = "inferred, not seen: a ring's mask does not show its rotation; its interval is what such hearts do"
#: Key of the calibration in model.json, and of what strain.json says.
KEY = "uncertainty"


def calibration_of(model: LoadedModel) -> Calibration | None:
    """The calibration in a model's model.json; None where it has none.

    Raises:
        LaMoDInputError: it is there, but is not a calibration.
    """
    stored = model.description.get(KEY)
    if stored is None:
        return None
    try:
        return Calibration.from_dict(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise LaMoDInputError(
            f"{model.name}/model.json", f"its calibration of the uncertainty is damaged ({fault})", "copy it again"
        ) from fault


def calibrated(
    strain: SliceStrain, slice_: CineSlice, reference_frame: int, calibration: Calibration | None, samples: int
) -> SliceStrain:
    """The same strain with calibrated standard deviations, where there are samples and a calibration."""
    if calibration is None or not strain.fields_std:
        return strain
    phases = cycle_phases(slice_.frame_times_ms, slice_.rr_ms, reference_frame)

    def of_curves(name: str, spread: Array) -> Array:
        return calibration.deviation(f"segment_{name}", spread.T, phases, samples).T

    return replace(
        strain,
        fields_std={n: calibration.deviation(n, s, phases, samples) for n, s in strain.fields_std.items()},
        segment_curves_std={n: of_curves(n, s) for n, s in strain.segment_curves_std.items()},
    )


def with_uncertainty(
    summary: Mapping[str, Any],
    case: Case,
    flags: Sequence[UnlikeTraining | None],
    calibration: Calibration | None,
    samples: int,
) -> dict[str, Any]:
    """A summary with the flag of every slice and how its intervals are to be read."""
    slices = [
        part if flag is None else {**part, "unlike_training": asdict(flag)}
        for part, flag in zip(summary["slices"], flags, strict=True)
    ]
    warnings = [
        f"{slice_.name}: {flag.sentence}"
        for slice_, flag in zip(case.slices, flags, strict=True)
        if flag is not None and flag.flagged
    ]
    about: dict[str, Any] = {
        "samples": samples,
        "calibrated": calibration is not None and samples > 1,
        "confidence": calibration.confidence if calibration else CONFIDENCE,
        "rotation": ROTATION,
    }
    if calibration is not None and samples > 1:
        about["half_width_sd"] = calibration.half_width
        about["scales"] = {name: asdict(scale) for name, scale in calibration.quantities.items()}
        about["meaning"] = (
            f"value ± {calibration.half_width:.3f} standard deviations held {calibration.confidence:.0%} of the "
            "truths of held-out synthetic hearts"
        )
    return {**summary, "slices": slices, KEY: about, "quality": [*warnings, *summary["quality"]]}


def interval(value: Array, deviation: Array | None, summary: Mapping[str, Any]) -> tuple[Array, Array] | None:
    """(low, high) of curves; None where nothing was sampled or the spread is not calibrated."""
    about = summary.get(KEY, {})
    if deviation is None or not about.get("calibrated"):
        return None
    half = float(about["half_width_sd"]) * np.asarray(deviation)
    return np.asarray(value - half), np.asarray(value + half)
