"""The shipped models are complete and listed, load by name, and predict an ordinary heart as expected."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.paths import ROOT
from LaMoDCore import load_case
from LaMoDCore.heart.case import Case
from LaMoDCore.models.card import model_card
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.models.registry import read_description, registered_models, shipped_folder
from LaMoDCore.models.store import FILES
from LaMoDCore.phantom import demo_case
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.uncertainty.weak_segments import SEGMENT_ECC, weakness
from Testing.Core.predict.conftest import ring_frames, write_nifti

FIRST, SECOND = "lamod-phantom-v1", "lamod-phantom-v2"
SHIPPED = (FIRST, SECOND)
#: Size in bytes that the weights may add to the wheel and to the extension.
MOST_BYTES = 30e6


@pytest.fixture(autouse=True)
def no_own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own models take precedence over shipped ones of the same name."""
    monkeypatch.setenv("LAMOD_MODELS", str(tmp_path / "mine"))


@pytest.fixture(scope="module")
def second() -> LoadedModel:
    return load_model(shipped_folder() / SECOND)


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(write_nifti(tmp_path_factory.mktemp("ring") / "ring.nii.gz", ring_frames()))


def test_two_models_are_shipped_and_the_second_is_the_default() -> None:
    shipped = [model for model in registered_models() if model.shipped]
    assert [model.name for model in shipped] == list(SHIPPED)
    assert not [model.fault for model in shipped if model.fault]
    assert DEFAULT_MODEL == load_model().name == SECOND
    assert load_model(FIRST).name == FIRST
    assert load_model(FIRST).weights_sha256 != load_model(SECOND).weights_sha256


def test_the_shipped_models_are_small() -> None:
    sizes = {file: file.stat().st_size for file in shipped_folder().rglob("*") if file.is_file()}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize("name", SHIPPED)
def test_every_file_of_a_shipped_model_is_in_the_wheel_and_in_the_extension(name: str) -> None:
    assert sorted(file.name for file in (ROOT / "Resources" / "Models" / name).iterdir()) == sorted(FILES)
    text = (ROOT / "LaMoDCore" / "files.cmake").read_text(encoding="utf-8")
    (listed,) = re.findall(r"set\(SHIPPED_MODEL_FILES\n(.*?)\)", text, re.DOTALL)
    assert [word for word in listed.split() if word.startswith(f"{name}/")] == sorted(
        f"{name}/{each}" for each in FILES
    )
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (
        '[tool.hatch.build.targets.wheel.force-include]\n"Resources/Models" = "LaMoDCore/shipped_models"\n' in project
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_describes_the_weights(name: str) -> None:
    folder = shipped_folder() / name
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    description, card = read_description(folder), (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert description["weights_sha256"] == digest
    assert description["name"] == name and f"weights SHA-256 `{digest[:16]}…`" in card
    # Measurements are added by hand; everything else is as generated.
    assert [line for line in model_card(description).splitlines() if line not in card.splitlines()] == []


def test_the_cards_state_the_inputs_and_the_intervals_of_their_models() -> None:
    first, second = ((shipped_folder() / name / "MODEL_CARD.md").read_text(encoding="utf-8") for name in SHIPPED)
    for words in (
        "contour convention (blood pool or tissue) is an input",
        "roughness of the contours is an input",
        "20% of the synthetic slices were drawn with the imitated errors of a contour engine",
        "variance of segment_ecc also has the term",
        "intervals of segments that contract less than their wall are wider",
    ):
        assert words in second and words not in first
    assert "or not at all, outside its interval and without a flag" in first
    # The first model does not store how many cases there were.
    assert "calibrated on up to 100 validation cases" in first and "calibrated on 68 validation slices" in second


def test_the_first_model_keeps_its_numbers() -> None:
    """Measured with version 0.2.0 while lamod-phantom-v1 was the default; processors differ by less than the limits."""
    result = predict_strain(demo_case(), load_model(FIRST))
    found, es = result.summary["global"], result.es_frame
    assert es == found["gcs_peak_frame"] == 11
    assert [found[name] for name in ("gcs_peak", "gcs_es")] == pytest.approx([-0.15686, -0.15686], abs=1e-3)
    assert [found[name] for name in ("grs_peak", "grs_es")] == pytest.approx([0.32546, 0.31890], abs=3e-3)
    assert found["intervals"]["gcs_peak"] == pytest.approx([-0.17657, -0.13715], abs=1e-3)
    expected = (
        [-0.11978, -0.14472, -0.16807, -0.16365, -0.17425, -0.1359],
        [-0.10074, -0.17753, -0.19554, -0.20456, -0.19326, -0.1479],
        [-0.13979, -0.08423, -0.17156, -0.18862],
    )
    for strain, ecc in zip(result.slices, expected, strict=True):
        np.testing.assert_allclose(strain.segment_curves["ecc"][:, es], ecc, atol=1e-3)
    assert [part["unlike_training"]["flagged"] for part in result.summary["slices"]] == [False] * 3
    assert "weak_segments" not in result.summary["uncertainty"]


def test_the_contour_convention_is_an_input_of_the_second_model(second: LoadedModel, ring: Case) -> None:
    """A ring of the blood pool thickens partly because trabeculae merge into it, so that its muscle shortens less."""
    pool, tissue = (
        predict_strain(ring, second, contour_convention=convention) for convention in ("blood-pool", "tissue")
    )
    for result, given in ((pool, "blood-pool"), (tissue, "tissue")):
        assert result.conventions[0].used == given and result.conventions[0].is_input
        assert not any(note.code in ("convention_not_used", "unlike_training") for note in result.findings)
        assert -0.30 < result.summary["global"]["gcs_peak"] < -0.10
    assert pool.summary["global"]["gcs_peak"] > tissue.summary["global"]["gcs_peak"] + 0.002


def test_the_second_model_infers_the_convention_that_is_not_given(second: LoadedModel, ring: Case) -> None:
    (used,) = predict_strain(ring, second).conventions
    assert used.given == "auto" and used.is_input
    assert used.layer is not None and 0 <= used.layer.thickness_mm < 4 and used.layer.deviation_mm > 0


def test_the_second_model_widens_the_intervals_of_weak_segments(second: LoadedModel) -> None:
    """On the middle slice of the built-in heart, which has an infarct."""
    whole = demo_case()
    case = replace(whole, slices=whole.slices[1:2])
    stored = second.description["uncertainty"]
    k = stored["weak_segments"][SEGMENT_ECC]
    assert k > 0.05
    plain = {**second.description, "uncertainty": {key: stored[key] for key in stored if key != "weak_segments"}}
    found, without = (predict_strain(case, each) for each in (second, replace(second, description=plain)))
    curves, own = found.slices[0].segment_curves["ecc"], without.slices[0].segment_curves_std
    x = weakness(curves)
    assert x[:, found.es_frame].max() > 0.02
    np.testing.assert_allclose(found.slices[0].segment_curves_std["ecc"], np.hypot(own["ecc"], k * x), rtol=1e-6)
    assert found.summary["uncertainty"]["weak_segments"] == {SEGMENT_ECC: k}
    assert not found.summary["slices"][0]["unlike_training"]["flagged"]
