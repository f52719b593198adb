"""Calibrated intervals in a result: its standard deviations, and the entries of strain.json on uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from LaMoDCore.heart.canonical import cycle_phases
from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.heart.wall_fields import WallFields
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.uncertainty.calibration import CONFIDENCE, Calibration
from LaMoDCore.uncertainty.unlike_training import UnlikeTraining
from LaMoDCore.uncertainty.weak_segments import weak_variance, weakness

ROTATION = (
    "inferred, not measured: the mask of a ring does not show its rotation; the interval is that of similar hearts"
)
#: Key of the calibration in model.json, and of the entry of strain.json.
KEY = "uncertainty"


def calibration_of(description: Mapping[str, Any], model: str) -> Calibration | None:
    """The calibration in the description of a model; None if it has none.

    Args:
        description: contents of model.json.
        model: name of the model, for the message.

    Raises:
        LaMoDInputError: the entry is not a calibration.
    """
    stored = description.get(KEY)
    if stored is None:
        return None
    try:
        return Calibration.from_dict(stored)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LaMoDInputError(
            f"{model}/model.json", f"its calibration of the uncertainty is damaged ({error})", "copy it again"
        ) from error


def calibrated(
    strain: SliceStrain, slice_: CineSlice, reference_frame: int, calibration: Calibration | None
) -> SliceStrain:
    """Return the strain with calibrated standard deviations, if there are samples and a calibration."""
    if calibration is None or not strain.fields_std:
        return strain
    phases = cycle_phases(slice_.frame_times_ms, slice_.rr_ms, reference_frame)
    weak = weakness(strain.segment_curves["ecc"]).T

    def of_field(name: str, spread: Array) -> Array:
        return calibration.deviation(name, spread, phases)

    def of_fields(spread: Mapping[str, Array]) -> Mapping[str, Array]:
        if isinstance(spread, WallFields):
            return spread.mapped(of_field)
        return {name: of_field(name, values) for name, values in spread.items()}

    def of_curves(name: str, spread: Array) -> Array:
        extra = weak_variance(calibration, f"segment_{name}", weak)
        return calibration.deviation(f"segment_{name}", spread.T, phases, extra).T

    return replace(
        strain,
        fields_std=of_fields(strain.fields_std),
        segment_curves_std={n: of_curves(n, s) for n, s in strain.segment_curves_std.items()},
    )


def with_uncertainty(
    summary: Mapping[str, Any],
    flags: Sequence[UnlikeTraining | None],
    calibration: Calibration | None,
    samples: int,
) -> dict[str, Any]:
    """Add the unlike-training flag of every slice and the meaning of the intervals to a summary.

    Args:
        summary: result of `LaMoDCore.strain.summarise`.
        flags: one per slice; None for a model without the flag.
        calibration: calibration of the model, if it has one.
        samples: number of samples drawn.
    """
    slices = [
        part if flag is None else {**part, "unlike_training": asdict(flag)}
        for part, flag in zip(summary["slices"], flags, strict=True)
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
        if calibration.weak_segments:
            about["weak_segments"] = dict(calibration.weak_segments)
        about["meaning"] = (
            f"value ± {calibration.half_width:.3f} standard deviations contained {calibration.confidence:.0%} of the "
            "true values of held-out synthetic hearts on average; in a single slice it can be far fewer"
        )
    return {**summary, "slices": slices, KEY: about}


def unlike_training_notes(case: Case, flags: Sequence[UnlikeTraining | None]) -> tuple[Note, ...]:
    """One note per flagged slice."""
    return tuple(
        note("unlike_training", flag.sentence, slice=number, source=slice_.name, remedy=flag.remedy)
        for number, (slice_, flag) in enumerate(zip(case.slices, flags, strict=True), 1)
        if flag is not None and flag.flagged
    )
