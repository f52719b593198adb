"""The contour convention of a prediction: how it is given, used, noted, stored and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.contour_convention import ConventionUsed, LeftOutLayer, parse_conventions
from LaMoDCore.io import load_case
from LaMoDCore.io.results import read_result
from LaMoDCore.io.results.strain_json import conventions_of, read_strain_json
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.networks.lamod import LaMoDModel
from LaMoDCore.prediction.predict import predict_strain
from LaMoDCore.report.convention import convention_line
from LaMoDCore.report.html.stored import shown_result
from LaMoDCore.report.wording import definition_lines
from LaMoDCore.runtime.errors import LaMoDInputError
from Testing.Core.predict.conftest import ring_frames, write_nifti

THIN, BETWEEN, THICK = LeftOutLayer(0.2, 0.3), LeftOutLayer(0.7, 0.4), LeftOutLayer(2.1, 0.4)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Two equal slices of one heart."""
    case = load_case(write_nifti(tmp_path_factory.mktemp("heart") / "ring.nii.gz", ring_frames()))
    below = case.slices[0].grid.ijk_to_lps.copy()
    below[:3, 3] -= 8.0 * below[:3, 2] / np.linalg.norm(below[:3, 2])
    second = replace(case.slices[0], name="second", grid=replace(case.slices[0].grid, ijk_to_lps=below))
    return replace(case, slices=(case.slices[0], second))


@pytest.fixture(scope="module")
def shipped() -> LoadedModel:
    return load_model("lamod-phantom-v1")


@pytest.fixture()
def inputs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pretend that every model has an input for the convention; the inputs that it was given, in their order."""
    found: list[int] = []
    compute = LaMoDModel.motion_by_contours

    def motion(*parts: Any) -> Any:
        found.append(parts[-1])
        return compute(*parts)

    monkeypatch.setattr(LaMoDModel, "takes_convention", True)
    monkeypatch.setattr(LaMoDModel, "motion_by_contours", motion)
    monkeypatch.setattr(LaMoDModel, "left_out_layer", lambda self, contours, level: THICK)
    return found


def test_words_become_conventions() -> None:
    assert parse_conventions(None) is None
    assert parse_conventions("tissue") == ("tissue",)
    assert parse_conventions(" Blood-Pool, auto") == parse_conventions(["blood-pool", "auto"]) == ("blood-pool", "auto")
    for wrong in ("bloodpool", ["bloodpool"], 5, b"tissue", [5]):
        with pytest.raises(LaMoDInputError, match="is not a contour convention"):
            parse_conventions(wrong)


@pytest.mark.parametrize(
    ("layer", "convention"),
    [
        (THIN, "tissue"),
        (BETWEEN, "auto"),
        (THICK, "blood-pool"),
        (LeftOutLayer(0.2, 1.5), "auto"),
        (LeftOutLayer(2, 1.8), "auto"),
    ],
)
def test_a_convention_is_inferred_only_from_a_clear_estimate(layer: LeftOutLayer, convention: str) -> None:
    assert layer.convention == convention
    assert ConventionUsed("auto", layer, is_input=True).used == convention
    for given in ("blood-pool", "tissue"):
        used = ConventionUsed(given, layer, is_input=True)
        assert used.used == given
        assert used.contradicted == (convention not in ("auto", given))


@pytest.mark.parametrize("layer", [None, THIN])
@pytest.mark.parametrize("is_input", [False, True])
@pytest.mark.parametrize("given", ["auto", "blood-pool", "tissue"])
def test_what_strain_json_stores_is_read_back(given: str, is_input: bool, layer: LeftOutLayer | None) -> None:
    used = ConventionUsed(given, layer, is_input=is_input)
    assert ConventionUsed.from_dict(used.to_dict()) == used


@pytest.mark.parametrize("source", ["user", "case", "engine"])
def test_who_stated_a_convention_is_stored(source: str) -> None:
    used = ConventionUsed("tissue", source=source)
    assert used.to_dict()["source"] == source
    assert ConventionUsed.from_dict(used.to_dict()) == used
    assert ConventionUsed("auto", source=source).to_dict()["source"] is None


def test_a_stored_layer_that_no_model_estimates_is_not_read() -> None:
    stored = ConventionUsed("tissue", THICK, is_input=True).to_dict()
    assert ConventionUsed.from_dict({**stored, "left_out_layer_mm": -1.0}).layer is None
    assert ConventionUsed.from_dict({**stored, "given": "auto", "left_out_layer_mm": None}) is None


@pytest.mark.parametrize("slices", [None, 5, ["one"], [{}, None]])
def test_slices_of_a_damaged_file_have_no_conventions(slices: object) -> None:
    assert conventions_of({"slices": slices}) == ()


@pytest.mark.parametrize("stored", [None, 5, {}, {"given": "both"}, {"given": ["auto"]}])
def test_conventions_of_other_files_are_unknown(stored: object) -> None:
    assert ConventionUsed.from_dict(stored) is None
    assert (
        conventions_of({"slices": [{"contour_convention": ConventionUsed().to_dict()}, {"contour_convention": stored}]})
        == ()
    )


def test_a_slice_has_one_of_the_conventions(heart: Case) -> None:
    with pytest.raises(ValueError, match="contour_convention must be one of auto, blood-pool, tissue"):
        replace(heart.slices[0], contour_convention="both")
    with pytest.raises(ValueError, match="convention_source must be one of user, case, engine"):
        replace(heart.slices[0], convention_source="file")


def test_every_slice_is_predicted_with_its_own_convention(heart: Case, shipped: LoadedModel, inputs: list[int]) -> None:
    first = replace(heart.slices[0], contour_convention="tissue")
    result = predict_strain(replace(heart, slices=(first, heart.slices[1])), shipped, samples=1)
    assert sorted(inputs) == [0, 2]
    assert result.conventions == (
        ConventionUsed("tissue", THICK, is_input=True),
        ConventionUsed("auto", THICK, is_input=True),
    )
    assert [part["contour_convention"]["used"] for part in result.summary["slices"]] == ["tissue", "blood-pool"]
    contradicted = [note for note in result.findings if note.code.startswith("convention")]
    assert [(note.code, note.slice) for note in contradicted] == [("convention_contradicted", 1)]
    assert contradicted[0].text == (
        "The contours seem to follow the blood pool (2.1 ± 0.4 mm left out), not the tissue as given."
    )


@pytest.mark.parametrize(("option", "numbers"), [("blood-pool", [1, 1]), ("auto,tissue", [0, 2]), ("auto", [0, 0])])
def test_the_option_of_a_prediction_takes_precedence(
    heart: Case, shipped: LoadedModel, inputs: list[int], option: str, numbers: list[int]
) -> None:
    slices = tuple(replace(slice_, contour_convention="tissue") for slice_ in heart.slices)
    result = predict_strain(replace(heart, slices=slices), shipped, samples=1, contour_convention=option)
    assert sorted(inputs) == numbers
    assert [each.contour_convention for each in result.case.slices] == [each.given for each in result.conventions]


def test_a_convention_is_refused_for_another_number_of_slices(heart: Case, small_model: Path) -> None:
    with pytest.raises(LaMoDInputError, match="3 conventions for 2 slices"):
        predict_strain(heart, small_model, device="cpu", contour_convention="tissue,tissue,tissue")


def test_a_model_without_this_input_gives_the_same_numbers_and_one_note(heart: Case, shipped: LoadedModel) -> None:
    plain, given = (
        predict_strain(heart, shipped, samples=1, contour_convention=convention) for convention in (None, "tissue")
    )
    for one, other in zip(plain.slices, given.slices, strict=True):
        np.testing.assert_array_equal(one.displacement_mm, other.displacement_mm)
    assert not any(note.code == "convention_not_used" for note in plain.notes)
    notes = [note for note in given.notes if note.code == "convention_not_used"]
    assert [note.text for note in notes] == [
        "The model lamod-phantom-v1 has no input for the contour convention; the given one (tissue) was not used."
    ]
    assert notes[0].severity == "warning"
    stored = {
        "given": "tissue",
        "source": "user",
        "used": None,
        "left_out_layer_mm": None,
        "left_out_layer_sd_mm": None,
    }
    assert [part["contour_convention"] for part in given.summary["slices"]] == [stored, stored]


@pytest.mark.parametrize(("source", "severities"), [("case", ["info"]), ("engine", []), ("user", ["warning"])])
def test_an_unused_convention_is_a_warning_only_if_the_user_gave_it(
    heart: Case, shipped: LoadedModel, source: str, severities: list[str]
) -> None:
    case = replace(heart, slices=(replace(heart.slices[0], contour_convention="tissue", convention_source=source),))
    result = predict_strain(case, shipped, diffusion=False)
    assert [each.severity for each in result.findings if each.code == "convention_not_used"] == severities
    assert result.summary["slices"][0]["contour_convention"]["source"] == source


def test_the_decoder_alone_does_not_use_the_convention(heart: Case, shipped: LoadedModel, inputs: list[int]) -> None:
    result = predict_strain(heart, shipped, diffusion=False, contour_convention="blood-pool")
    assert result.conventions == (ConventionUsed("blood-pool"),) * 2
    notes = [note.text for note in result.notes if note.code == "convention_not_used"]
    assert notes == [
        "Without the samples of the motion, the prediction does not use the contour convention; the given one (blood "
        "pool) was not used."
    ]


@pytest.mark.parametrize(
    ("conventions", "line"),
    [
        ([], ""),
        ([ConventionUsed("blood-pool", THICK, is_input=True)], "Contours: blood pool (given)."),
        ([ConventionUsed("auto", THIN, is_input=True)], "Contours: tissue (inferred, 0.2 ± 0.3 mm left out)."),
        (
            [ConventionUsed("auto", BETWEEN, is_input=True)],
            "Contours: convention not inferred (0.7 ± 0.4 mm left out).",
        ),
        ([ConventionUsed("auto")] * 3, ""),
        ([ConventionUsed("auto", is_input=True)] * 3, "Contours: convention not inferred."),
        ([ConventionUsed("tissue")], "Contours: tissue (given, not used)."),
        (
            [ConventionUsed("tissue", source="engine")],
            "Contours: tissue (stated by the contour engine, not used).",
        ),
        (
            [
                ConventionUsed("tissue", THICK, is_input=True, source="case"),
                ConventionUsed("tissue", THICK, is_input=True),
            ],
            "Contours: slice 1 tissue (stated by the case); slice 2 tissue (given).",
        ),
        (
            [
                ConventionUsed("auto", THICK, is_input=True),
                ConventionUsed("auto", LeftOutLayer(1.6, 0.2), is_input=True),
                ConventionUsed("tissue", THIN, is_input=True),
            ],
            "Contours: slices 1 and 2 blood pool (inferred, 1.6–2.1 mm left out); slice 3 tissue (given).",
        ),
    ],
)
def test_the_report_states_the_convention(conventions: list[ConventionUsed], line: str) -> None:
    assert convention_line(conventions) == line


def test_the_command_takes_the_option_and_writes_the_convention(
    tmp_path: Path, ring_file: Path, inputs: list[int]
) -> None:
    words = ["predict", str(ring_file), "--out", str(tmp_path / "out"), "--model", "lamod-phantom-v1", "--no-report"]
    options = ["--samples", "1", "--device", "cpu", "--progress", "none", "--contour-convention", "tissue"]
    assert main([*words, *options]) == 0
    assert inputs == [2]
    stored = read_strain_json(tmp_path / "out" / "strain.json").summary["slices"][0]["contour_convention"]
    assert stored == {
        "given": "tissue",
        "source": "user",
        "used": "tissue",
        "left_out_layer_mm": THICK.thickness_mm,
        "left_out_layer_sd_mm": THICK.deviation_mm,
    }
    result = read_result(tmp_path / "out")
    assert result.conventions == (ConventionUsed("tissue", THICK, is_input=True),)
    assert "Contours: tissue (given)." in definition_lines(shown_result(result).result)


@pytest.mark.parametrize(
    ("option", "code", "reason"),
    [
        ("both", 2, "'both' is not a contour convention: use auto, blood-pool, tissue"),
        ("tissue,tissue", 1, "2 conventions for 1 slice"),
    ],
)
def test_wrong_options_are_refused(
    tmp_path: Path, ring_file: Path, option: str, code: int, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(ring_file), "--out", str(tmp_path / "out"), "--contour-convention", option]
    assert main(words) == code
    assert reason in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
