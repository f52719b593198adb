"""All trials, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dataset_trials
import dense_trials
import dicom_trials
import image_trials
import model_trials
import place_trials
import settings_trials
from trial import Trial


def every_trial(valid: Path) -> Iterator[Trial]:
    """Every trial whose valid files exist: engines need onnx and onnxruntime."""
    for module in (
        image_trials,
        dicom_trials,
        dense_trials,
        dataset_trials,
        model_trials,
        settings_trials,
        place_trials,
    ):
        yield from module.trials(valid)
