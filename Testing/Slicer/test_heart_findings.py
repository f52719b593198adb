"""The Heart table with data that do not fit: levels against the order, other patients, emptied and removed series."""

from __future__ import annotations

import pytest

from Testing.Slicer import panel
from Testing.Slicer.test_heart_table import COMBO, CONTOURS, NAME, add, click_row, ring_at, table, used, write_masks

UPSIDE_DOWN = "The levels do not run from base to apex"


def choose_levels(app, *levels: str) -> None:
    for row, level in enumerate(levels):
        app.mouse.choose(app.widget.ui.heartTable.cellWidget(row, COMBO), level)
        app.settle()


def test_levels_against_the_order_of_the_heart_are_refused(slicer_app, tmp_path):
    """In the order of the file these levels ascend: the prediction would take them for the reversed ones."""
    from LaMoDSlicerLib.Heart import HeartReader
    from LaMoDSlicerLib.Inputs.InputError import InputError

    app = slicer_app
    add(app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(k) for k in (0, 1, 2)]))  # from apex to base
    table(app)
    choose_levels(app, "apex", "mid", "base")
    assert not app.widget.ui.predictButton.enabled
    assert UPSIDE_DOWN in app.widget.ui.messageLabel.text
    with pytest.raises(InputError, match=UPSIDE_DOWN):
        HeartReader.read(app.widget.sections.model, app.widget._parameters)
    app.mouse.click(app.widget.ui.swapButton)
    app.settle()
    request = HeartReader.read(app.widget.sections.model, app.widget._parameters)
    assert request.levels == ("base", "mid", "apex"), "the first image of the file is now the base"


def test_a_level_against_the_proposed_ones_is_refused(slicer_app, tmp_path):
    app = slicer_app
    add(app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(k) for k in (3, 0, -3)]))
    table(app)
    choose_levels(app, "apex")
    assert UPSIDE_DOWN in app.widget.ui.messageLabel.text
    choose_levels(app, "base")
    assert app.widget.ui.messageLabel.text == ""
    assert app.widget.ui.predictButton.enabled


def test_the_panel_goes_on_when_the_selected_cine_loses_its_images(slicer_app, ring):
    import slicer
    from LaMoDSlicerLib.Scene import SampleHeart

    app = slicer_app
    table(app)
    sequence = ring.browser.GetMasterSequenceNode()
    slicer.mrmlScene.RemoveNode(ring.browser.GetProxyNode(sequence))
    slicer.mrmlScene.RemoveNode(sequence)
    SampleHeart.addToScene(ring_at(3), "basal")
    assert "basal" in [row[NAME] for row in table(app)]
    assert app.widget.ui.predictButton.enabled, "the other slice can be predicted"


def test_a_clicked_row_is_shown_with_its_strain(slicer_app, fake_worker):
    from LaMoDSlicerLib.Scene import SampleHeart

    fake_worker("ok")
    app = slicer_app
    for name, k in (("basal", 3), ("middle", 0), ("apical", -3)):
        SampleHeart.addToScene(ring_at(k), name)
    panel.predict(app)
    for row in (0, 2, 1):
        click_row(app, row)
        assert panel.coloured(app.window.red.picture(), 0.35).sum() > 3000, row


def in_hierarchy(node, patient: str, study: str = "1.2.3", date: str = "20240101") -> None:
    """Put a node below a patient and a study of the subject hierarchy, as Slicer's DICOM module does."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    person = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), f"Name {patient}")
    hierarchy.SetItemAttribute(person, "DICOM.PatientID", patient)
    hierarchy.SetItemLevel(person, "Patient")
    examination = hierarchy.CreateStudyItem(person, "Study")
    hierarchy.SetItemUID(examination, "DICOM", study)
    hierarchy.SetItemAttribute(examination, "DICOM.StudyDate", date)
    hierarchy.SetItemLevel(examination, "Study")
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(examination, node)
    hierarchy.SetItemParent(item, examination)


def add_series(name: str, index: int, *place: str) -> None:
    from LaMoDSlicerLib.Scene import SampleHeart

    browser, _masks = SampleHeart.addToScene(ring_at(index), name)
    in_hierarchy(browser.GetProxyNode(browser.GetMasterSequenceNode()), *place)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (("B",), "of another patient"),
        (("A", "4.5.6", "20250101"), "of another examination"),
        (("A", "4.5.6", "20240101"), ""),  # two studies of one visit
        (("A",), ""),
    ],
)
def test_series_of_another_patient_are_listed_but_not_used(slicer_app, place, reason):
    add_series("first", 3, "A")
    add_series("second", 0, *place)
    assert [row[NAME] for row in table(slicer_app)] == ["first", "second"]
    assert used(slicer_app) == [True, not reason]
    assert reason in slicer_app.widget.ui.heartTable.item(1, 0).toolTip()


def test_masks_of_another_patient_do_not_join_a_cine(slicer_app, ring, tmp_path):
    """They have the grid of the cine, as with one protocol for all."""
    from LaMoDSlicerLib.Heart import SeriesFinder
    from LaMoDSlicerLib.Heart.Examination import Examination
    from LaMoDSlicerLib.Inputs import MaskLoader
    from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence

    (masks,) = MaskLoader.loadAll(write_masks(tmp_path / "masks.seq.nrrd", [ring.slice]), lambda *_rest: None)
    assert SeriesFinder.fit(ring.browser, masks)
    Examination("somebody").keep(ring.browser)
    Examination("else").keep(FrameSequence(masks).sequenceNode)
    assert not SeriesFinder.fit(ring.browser, masks)


def sequences() -> list[str]:
    return [name for name in panel.node_names() if "Sequence" in name or "LabelMapVolumeNode" in name]


def test_removed_files_can_be_added_again(slicer_app, tmp_path):
    app = slicer_app
    path = write_masks(tmp_path / "masks.seq.nrrd", [ring_at(0)])
    add(app, path)
    before = sequences()
    app.mouse.click(app.widget.ui.removeButton)
    assert table(app) == []
    assert add(app, path) == ""
    assert [row[NAME] for row in table(app)] == ["masks"]
    assert sequences() == before, "the masks of the scene are used"
    assert "in the scene already" in add(app, path)


def test_a_removed_cine_returns_with_its_contours(slicer_app, tmp_path):

    app, model = slicer_app, slicer_app.widget.sections.model
    path = write_cine(tmp_path / "images.seq.nrrd", ring_at(0))
    add(app, path, write_masks(tmp_path / "masks.seq.nrrd", [ring_at(0)]))
    assert len(table(app)) == 1
    masks = model.series[0].masks
    assert masks is not None
    app.mouse.click(app.widget.ui.removeButton)
    assert table(app) == []
    assert add(app, path) == ""
    assert [row[NAME] for row in table(app)] == ["images"]
    assert model.series[0].masks is masks


def write_cine(path, slice_):
    import numpy as np

    from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

    write_seq_nrrd(path, slice_.cine[:, None], np.array(slice_.grid.ijk_to_lps), slice_.frame_times_ms)
    return path


@pytest.mark.parametrize("removed", [True, False])
def test_the_selector_does_not_replace_the_cine_of_a_row(slicer_app, removed):
    from LaMoDSlicerLib.Scene import SampleHeart

    app, p, model = slicer_app, slicer_app.widget._parameters, slicer_app.widget.sections.model
    nodes = {name: SampleHeart.addToScene(ring_at(k), name) for name, k in (("basal", 3), ("apical", -3))}
    table(app)
    click_row(app, 1)
    if removed:
        app.mouse.click(app.widget.ui.removeButton)
        assert [row[NAME] for row in table(app)] == ["basal"]
    click_row(app, 0)
    assert p.cine is nodes["basal"][0]
    p.cine = nodes["apical"][0]
    assert [row[NAME] for row in table(app)] == ["basal", "apical"]
    assert {s.name: (s.cine, s.masks) for s in model.series} == nodes
    assert (p.cine, p.masks) == nodes["apical"]


def test_a_folder_is_added_although_one_of_its_series_is_known(slicer_app, tmp_path, monkeypatch):
    from LaMoDCore.io.files import image_file

    paths = [write_cine(tmp_path / f"at{k}.seq.nrrd", ring_at(k)) for k in (3, 0, -3)]
    stacks = [image_file.read_images(path)[0] for path in paths]
    app = slicer_app
    assert add(app, paths[0]) == ""
    monkeypatch.setattr(image_file, "read_images", lambda _path: tuple(stacks))
    assert add(app, tmp_path) == "“at3” is in the scene already: it was not added again."
    assert [row[NAME] for row in table(app)] == ["at3", "at0", "at-3"]
    assert add(app, tmp_path) == "“at3” is in the scene already: it was not added again."


def test_a_volume_with_a_component_per_frame_fills_the_table(slicer_app):
    import numpy as np
    import slicer

    slice_ = ring_at(0)
    for name, frames in (("colours", 3), ("cine", len(slice_.cine))):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", name)
        slicer.util.updateVolumeFromArray(node, np.moveaxis(slice_.cine[:frames, None], 0, -1))
    assert [row[NAME] for row in table(slicer_app)] == ["cine"]


def test_the_reason_of_an_unusable_slice_is_below_the_table(slicer_app, ring, tmp_path):
    import slicer

    app, ui = slicer_app, slicer_app.widget.ui
    add(app, write_masks(tmp_path / "other.seq.nrrd", [ring_at(3)]))
    table(app)
    moved = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    volume = ring.browser.GetProxyNode(ring.browser.GetMasterSequenceNode())
    volume.SetAndObserveTransformNodeID(moved.GetID())
    app.widget.update()
    rows = table(app)
    (broken,) = [i for i, row in enumerate(rows) if row[NAME] == "Ring"]
    assert rows[broken][CONTOURS] == "! cannot be used"
    click_row(app, broken)
    text = app.widget.sections.heart._ui.structuresLabel.text
    assert text.startswith("Cannot be used: ") and "is moved by the transform" in text
    assert ui.predictButton.enabled, "the other slice can be predicted"


def test_the_end_diastolic_frame_can_be_entered_for_any_heart(slicer_app, ring, tmp_path):
    from LaMoDSlicerLib.Heart import HeartReader

    app, ui = slicer_app, slicer_app.widget.ui
    app.settle()
    assert ui.referenceSpinBox.visible
    assert ui.referenceSpinBox.text == "Automatic"
    assert "--reference-frame" not in HeartReader.read(app.widget.sections.model, app.widget._parameters).commandLine(
        tmp_path
    )
    app.widget._parameters.referenceFrame = 3
    app.settle()
    words = HeartReader.read(app.widget.sections.model, app.widget._parameters).commandLine(tmp_path)
    assert words[words.index("--reference-frame") + 1] == "2"
    assert not ui.rrSpinBox.visible, "the data have times"


def test_what_is_wrong_is_shown_again_after_the_series_changed(slicer_app, tmp_path):
    app = slicer_app
    add(app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(k) for k in (3, 0)]))
    table(app)
    choose_levels(app, "apex")
    assert UPSIDE_DOWN in app.widget.ui.messageLabel.text
    add(app, write_masks(tmp_path / "apical.seq.nrrd", [ring_at(-3)]))
    assert len(table(app)) == 3
    assert UPSIDE_DOWN in app.widget.ui.messageLabel.text
