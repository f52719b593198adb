"""The other sections of the Advanced panel by clicks: dataset, models, and an evaluation with its cases."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case, write_dataset_index
from LaMoDCore.models.default_model import DEFAULT_MODEL
from Testing.Slicer import panel, reading_heart
from Testing.Slicer.conftest import add_ring
from Testing.Slicer.researcher import click, click_row, open_section, opened, will_choose

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "Resources" / "Models" / DEFAULT_MODEL
DENSE = ROOT / "../shared/data/dense_sim/phantom_subject_1/workspace.dns"
WAIT = 300


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Four synthetic subjects from two sites; the metadata of one case is damaged."""
    from LaMoDCore.phantom.cohort.build import write_cohort
    from LaMoDCore.phantom.cohort.recipe import CohortRecipe

    folder = tmp_path_factory.mktemp("data") / "hearts"
    recipe = CohortRecipe.from_json({"count": 4, "seed": 5, "sites": 2, "split": [0.5, 0.25, 0.25]})
    write_cohort(str(folder), recipe, report=False, workers=1)
    write_dataset_index(folder, DatasetIndex.load(folder).entries)  # no upper bound is computed without the recipe
    (folder / "cases" / "s00001-mid-1" / "case.json").write_text('{"level": "attic"}')
    return folder


@pytest.fixture
def hearts(cohort, tmp_path, monkeypatch):
    """A copy to modify, with a relative path, so that screenshots do not show local folders."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(cohort, Path("hearts")))


@pytest.fixture
def researcher(slicer_app, tmp_path, monkeypatch):
    with opened(slicer_app, tmp_path / "models", monkeypatch) as everything:
        yield everything


def test_a_dataset_is_checked_and_a_click_loads_the_case(researcher, hearts, pictures):
    dataset = researcher.panel.dataset
    dataset.setFolder(hearts)
    open_section(researcher, dataset.ui.datasetButton)
    click(researcher, dataset.ui.checkDatasetButton)
    assert researcher.mouse.spin(WAIT, lambda: not dataset.isBusy)
    assert "errors: 1" in dataset.ui.checkLabel.text, dataset.ui.datasetMessage.text
    table = dataset.ui.findingsTable
    assert [table.item(0, column).text() for column in (0, 1)] == ["error", "s00001-mid-1"]
    assert "attic" in table.item(0, 2).text()
    click_row(researcher, table, 0)
    masks = researcher.app.widget._parameters.masks
    assert masks is not None
    assert "s00001-mid-1" in dataset.ui.datasetMessage.text
    researcher.mouse.screenshot(pictures / "slicer-findings.png")


def test_a_split_is_previewed_before_it_is_written(researcher, hearts, tmp_path):
    dataset = researcher.panel.dataset
    dataset.setFolder(hearts)
    open_section(researcher, dataset.ui.datasetButton)
    dataset.ui.trainShareSpinBox.value, dataset.ui.valShareSpinBox.value = 50, 50
    before = (hearts / "dataset.json").read_bytes()
    click(researcher, dataset.ui.previewSplitButton)
    table = dataset.ui.splitTable
    rows = [[table.item(row, column).text() for column in range(4)] for row in range(3)]
    assert rows == [["site-1", "1 (4)", "1 (4)", "0 (0)"], ["site-2", "1 (4)", "1 (4)", "0 (0)"], [
        "all", "2 (8)", "2 (8)", "0 (0)"]]  # fmt: skip
    assert (hearts / "dataset.json").read_bytes() == before
    researcher.mouse.show(table)
    researcher.mouse.screenshot(tmp_path / "slicer-split.png")
    click(researcher, dataset.ui.applySplitButton)
    index = DatasetIndex.load(hearts)
    assert Counter(entry.split for entry in index) == {"train": 8, "val": 8}
    assert len({(entry.subject, entry.split) for entry in index}) == 4


def test_the_case_in_the_scene_is_added_to_a_dataset(researcher, tmp_path, monkeypatch):
    from LaMoDSlicerLib.Results import ResultImport

    app, dataset = researcher.app, researcher.panel.dataset
    ring = add_ring(app)
    open_section(researcher, dataset.ui.datasetButton)
    dataset.ui.makeTabs.setCurrentIndex(2)
    will_choose(monkeypatch, tmp_path / "mine", "getSaveFileName")
    click(researcher, dataset.ui.addSceneButton)
    assert "code" in dataset.ui.datasetMessage.text
    assert not (tmp_path / "mine").exists()
    dataset.ui.sceneSubjectEdit.text, dataset.ui.sceneSiteEdit.text = "p07", "here"
    click(researcher, dataset.ui.addSceneButton)
    assert dataset.folder() == tmp_path / "mine", dataset.ui.datasetMessage.text
    case = read_dataset_case(tmp_path / "mine", "p07-mid", pictures=True)
    assert np.array_equal(case.masks[:, 0], ring.slice.myocardium)
    np.testing.assert_allclose(case.ijk_to_lps, ring.slice.grid.ijk_to_lps, atol=1e-6)
    np.testing.assert_allclose(case.cine[:, 0], ring.slice.cine, atol=1e-3)
    assert case.rr_ms == pytest.approx(ring.slice.rr_ms)
    assert case.displacement_mm is None

    dataset.ui.sceneMotionCheckBox.checked = True
    click(researcher, dataset.ui.addSceneButton)
    assert "no result" in dataset.ui.datasetMessage.text
    motion = reading_heart.motion_of(ring.slice)
    reading_heart.write_reading(tmp_path / "result", [ring.slice], [motion])
    app.widget._parameters.resultBrowser = ResultImport.load(tmp_path / "result").browsers()[0]
    click(researcher, dataset.ui.addSceneButton)
    dataset.ui.sceneMotionCheckBox.checked = False
    assert "p07-mid-2" in dataset.ui.datasetMessage.text
    moved = read_dataset_case(tmp_path / "mine", "p07-mid-2")
    y, x = np.argwhere(ring.slice.myocardium[0])[40]
    in_plane = moved.grid.vectors_from_lps(moved.displacement_mm[9, 0, y, x])
    np.testing.assert_allclose(in_plane, motion.displacement_mm[9, :, y, x], atol=1e-3)
    assert moved.details["motion_source"] == "predicted by analytic ring"
    assert len(DatasetIndex.load(tmp_path / "mine")) == 2


@pytest.mark.skipif(not DENSE.exists(), reason="../shared/data is missing")
def test_a_dense_scan_is_added_to_a_dataset(researcher, tmp_path, monkeypatch):
    dataset, temporary = researcher.panel.dataset, Path(researcher.app.application.temporaryPath)
    before = set(temporary.glob("LaMoD-*"))
    open_section(researcher, dataset.ui.datasetButton)
    dataset.ui.makeTabs.setCurrentIndex(1)
    click(researcher, dataset.ui.addDenseButton)
    assert "Select the scan" in dataset.ui.datasetMessage.text
    will_choose(monkeypatch, DENSE, "getOpenFileName")
    click(researcher, dataset.ui.denseFileButton)
    will_choose(monkeypatch, tmp_path / "mine", "getSaveFileName")
    dataset.ui.denseSubjectEdit.text = "p08"
    dataset.ui.denseRrSpinBox.value = 1208
    researcher.mouse.choose(dataset.ui.denseLevelSelector, "mid")
    click(researcher, dataset.ui.addDenseButton)
    assert researcher.mouse.spin(WAIT, lambda: not dataset.isBusy)
    assert dataset.folder() == tmp_path / "mine", dataset.ui.datasetMessage.text
    assert "Added to mine." in dataset.ui.datasetMessage.text
    assert "smoothed over" in dataset.ui.datasetMessage.text
    assert "--" not in dataset.ui.datasetMessage.text, "the panel has no command-line options"
    researcher.mouse.show(dataset.ui.datasetMessage)
    researcher.mouse.screenshot(tmp_path / "slicer-dense.png")
    (entry,) = DatasetIndex.load(tmp_path / "mine")
    assert (entry.subject, entry.cohort, entry.level) == ("p08", "dense", "mid")
    case = read_dataset_case(tmp_path / "mine", entry.id)
    assert case.rr_ms == 1208
    assert case.valid.any()
    assert set(temporary.glob("LaMoD-*")) == before


def test_the_chosen_contour_convention_reaches_the_prediction(researcher, tmp_path):
    from LaMoDSlicerLib.Advanced.ComparedCase import ComparedCase
    from LaMoDSlicerLib.Advanced.SceneCase import SceneCase
    from LaMoDSlicerLib.Heart import HeartReader

    add_ring(researcher.app)
    widget, selector = researcher.app.widget, researcher.ui.conventionSelector

    def words():
        return HeartReader.read(widget.sections.model, widget._parameters).commandLine(tmp_path)

    assert selector.currentText == "Automatic"
    assert "--contour-convention" not in words(), "a contour engine's own convention is used"
    for text, convention in (("Tissue", "tissue"), ("Blood pool", "blood-pool")):
        researcher.mouse.choose(selector, text)
        assert widget._parameters.contourConvention == convention
        assert words()[words().index("--contour-convention") + 1] == convention
        name = SceneCase(widget._parameters).addTo(tmp_path / "data", convention, "", "", "mid", False)
        assert read_dataset_case(tmp_path / "data", name).contour_convention == convention
        compared = ComparedCase._arguments(tmp_path, tmp_path / "data", name, "model", "cpu")
        assert compared[compared.index("--contour-convention") + 1] == convention
    researcher.mouse.choose(selector, "Automatic")
    assert "--contour-convention" not in words()


def test_a_chosen_contour_convention_is_shown_while_advanced_is_collapsed(researcher):
    widget, button, selector = researcher.app.widget, researcher.ui.advancedButton, researcher.ui.conventionSelector
    widget._parameters.contourConvention = "tissue"  # as a loaded scene or a script does
    researcher.app.settle()
    assert (selector.currentText, button.text) == ("Tissue", "Advanced")
    button.collapsed = True
    assert button.text == "Advanced (contour convention: Tissue)"
    widget._parameters.contourConvention = "auto"
    researcher.app.settle()
    assert button.text == "Advanced"


def test_a_contour_convention_of_a_later_version_counts_as_automatic(researcher):
    from LaMoDSlicerLib.Prediction.ConventionChooser import ConventionChooser
    from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions

    chooser: ConventionChooser = researcher.panel._conventions
    for convention, text in (("tissue", "Tissue"), ("midwall", "Automatic")):
        chooser.update(convention)
        assert researcher.ui.conventionSelector.currentText == text
    assert "--contour-convention" not in PredictionOptions(contourConvention="midwall").arguments()


@pytest.mark.parametrize(
    ("chosen", "engines", "stored"),
    [
        ("auto", (), "auto"),
        ("auto", ("blood-pool", "blood-pool"), "blood-pool"),
        ("auto", ("blood-pool", None), "auto"),
        ("tissue", ("blood-pool",), "tissue"),
    ],
)
def test_a_case_of_automatic_contours_has_the_convention_of_their_engine(researcher, chosen, engines, stored):
    from LaMoDSlicerLib.Advanced import SceneCase

    origins = tuple(None if engine is None else SimpleNamespace(convention=engine) for engine in engines)
    request = SimpleNamespace(options=SimpleNamespace(contourConvention=chosen), masks=SimpleNamespace(origins=origins))
    assert SceneCase._convention(request) == stored


@pytest.mark.skipif(not (SHIPPED / "weights.safetensors").exists(), reason="the weights are missing")
def test_models_are_renamed_exported_imported_and_deleted(researcher, tmp_path, monkeypatch, pictures):
    import slicer

    models, parameters = researcher.panel.models, researcher.app.widget._parameters
    own = tmp_path / "models" / "our-hospital"
    shutil.copytree(SHIPPED, own)
    description = json.loads((own / "model.json").read_text())
    (own / "model.json").write_text(json.dumps({**description, "name": "our-hospital"}))
    open_section(researcher, models.ui.modelsButton)
    table = models.ui.modelsTable
    names = [table.item(row, 0).text() for row in range(table.rowCount)]
    assert names == ["lamod-phantom-v1", "lamod-phantom-v2", "our-hospital"]
    for row, name in enumerate(names[:2]):
        click_row(researcher, table, row)
        for button in (models.ui.removeModelButton, models.ui.renameModelButton):
            assert not button.enabled
            assert "comes with LaMoD" in button.toolTip
        assert name in models.ui.cardEdit.plainText and "Research use only" in models.ui.cardEdit.plainText
    click_row(researcher, table, 2)
    click(researcher, models.ui.useModelButton)
    assert parameters.model == researcher.ui.modelSelector.currentText == "our-hospital"
    models.ui.renameEdit.text = "lamod-phantom-v1"
    click(researcher, models.ui.renameModelButton)
    assert "exists already" in models.ui.modelsMessage.text
    models.ui.renameEdit.text = "ward-3"
    click(researcher, models.ui.renameModelButton)
    assert models.chosen.name == parameters.model == "ward-3"
    researcher.mouse.show(models.ui.modelsMessage)
    researcher.mouse.screenshot(pictures / "slicer-models.png")
    will_choose(monkeypatch, tmp_path / "ward-3.zip", "getSaveFileName")
    click(researcher, models.ui.exportModelButton)
    assert (tmp_path / "ward-3.zip").is_file()
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: False)
    click(researcher, models.ui.removeModelButton)
    assert (tmp_path / "models" / "ward-3").is_dir()
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: True)
    click(researcher, models.ui.removeModelButton)
    assert not (tmp_path / "models" / "ward-3").exists()
    assert parameters.model == ""
    will_choose(monkeypatch, tmp_path / "ward-3.zip", "getOpenFileName")
    click(researcher, models.ui.importModelButton)
    assert researcher.mouse.spin(WAIT, lambda: bool(models.ui.importModelButton.enabled))
    assert models.chosen.name == "ward-3", models.ui.modelsMessage.text


@pytest.mark.skipif(not (SHIPPED / "weights.safetensors").exists(), reason="the weights are missing")
def test_the_first_model_can_be_chosen_and_fine_tuning_starts_from_the_default_one(researcher):
    selector, parameters = researcher.ui.modelSelector, researcher.app.widget._parameters
    assert [selector.itemText(row) for row in range(2)] == ["Default (lamod-phantom-v2)", "lamod-phantom-v1"]
    assert parameters.model == ""
    researcher.mouse.choose(selector, "lamod-phantom-v1")
    assert parameters.model == selector.currentText == "lamod-phantom-v1"
    parameters.model = ""
    train = researcher.panel.train
    open_section(researcher, train.ui.trainButton)
    before = train.ui.presetSelector.currentIndex, train.ui.initSelector.currentIndex
    researcher.mouse.choose(train.ui.presetSelector, "fine-tune")
    assert train.ui.initSelector.currentText == DEFAULT_MODEL
    train.ui.presetSelector.currentIndex, train.ui.initSelector.currentIndex = before


@pytest.mark.skipif(not (SHIPPED / "weights.safetensors").exists(), reason="the weights are missing")
def test_an_evaluation_with_its_table_and_its_worst_case(researcher, hearts, tmp_path, pictures):
    evaluate, mouse = researcher.panel.evaluate, researcher.mouse
    researcher.panel.dataset.setFolder(hearts)
    open_section(researcher, evaluate.ui.evaluateSectionButton)
    assert evaluate.methods() == ["zero", DEFAULT_MODEL]
    mouse.choose(evaluate.ui.evaluateSplitSelector, "train")
    evaluate.ui.limitSpinBox.value = 2
    click(researcher, evaluate.ui.evaluateButton)
    assert mouse.spin(WAIT, lambda: evaluate.files is not None), evaluate.ui.evaluateMessage.text
    evaluate.ui.limitSpinBox.value = 0
    researcher.app.settle()
    out = hearts.parent / "hearts-evaluation"
    with (out / "cases.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == DEFAULT_MODEL]
    worst = max(rows, key=lambda row: float(row["epe_mm"]))
    assert evaluate.caseIds[0] == worst["id"]
    table = evaluate.ui.resultsTable
    mean = np.mean([float(row["epe_mm"]) for row in rows])
    assert [table.item(row, 0).text() for row in range(2)] == ["zero", DEFAULT_MODEL]
    assert float(table.item(1, 2).text()) == pytest.approx(mean, abs=0.006)
    click(researcher, evaluate.ui.figureButton)
    assert evaluate.figure.isShown
    mouse.screenshot(tmp_path / "slicer-evaluation-figure.png")
    evaluate.figure.close()
    click_row(researcher, evaluate.ui.casesTable, 0)
    assert mouse.spin(WAIT, lambda: bool(evaluate.case.results)), evaluate.ui.evaluateMessage.text
    researcher.app.settle()
    names = {name: node.name for name, node in evaluate.case.results.items()}
    assert names == {"prediction": DEFAULT_MODEL, "truth": worst["id"]}
    mouse.screenshot(pictures / "slicer-evaluation.png")
    before = len(panel.node_names())
    evaluate.case.remove()
    assert not [name for name in panel.node_names() if worst["id"] in name or DEFAULT_MODEL in name]
    assert len(panel.node_names()) < before
    from LaMoDSlicerLib.Advanced import TrainingLayout

    TrainingLayout.close()
