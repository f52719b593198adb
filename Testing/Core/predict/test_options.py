"""Options of a prediction: Algorithm 1 only with a denoiser trained on latents of the encoder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.lamod import InferenceDefaults, LaMoDModel
from LaMoDCore.prediction.options import resolve_options
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.training.run.settings import PRESETS

SMALL = replace(PRESETS["smoke"].model, inference=InferenceDefaults(space="registration", samples=2))
WITHOUT_JOINT = {"training": {"validation": {"registration": {"loss": 1.0}, "motion": {"loss": 1.0}}}}
WITH_JOINT = {"training": {"validation": {"motion": {"loss": 1.0}, "joint": {"loss": 1.0}}}}


def loaded(description: dict[str, object]) -> LoadedModel:
    return LoadedModel("mine", LaMoDModel(SMALL), "", description)


@pytest.mark.parametrize("description", [WITH_JOINT, {}], ids=["joint stage trained", "no record"])
def test_algorithm_1_is_the_default_where_the_denoiser_fits(description):
    assert resolve_options(loaded(description)).space == "registration"


def test_a_model_whose_denoiser_does_not_fit_predicts_without_diffusion():
    chosen = resolve_options(loaded(WITHOUT_JOINT))
    assert not chosen.diffusion and chosen.samples == 1


@pytest.mark.parametrize("given", [{"diffusion": True}, {"space": "registration"}, {"samples": 8}], ids=str)
def test_requested_algorithm_1_is_refused_if_the_denoiser_does_not_fit(given):
    with pytest.raises(LaMoDInputError, match="its denoiser was not trained with its encoder"):
        resolve_options(loaded(WITHOUT_JOINT), **given)
    resolve_options(loaded(WITH_JOINT), **given)
