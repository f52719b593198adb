"""Behaviour of Slicer that the module must cope with: leaving the module, other modules' nodes, saving, layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from Testing.Slicer import panel


@pytest.fixture
def predicted(slicer_app, ring, fake_worker):
    """The ring with a result."""
    fake_worker("ok")
    panel.predict(slicer_app)
    ring.app, ring.panel = slicer_app, slicer_app.widget
    return ring


def _composite(app):
    return app.window.red.composite


def test_nothing_changes_while_another_module_is_shown(predicted):
    """Nodes of other modules neither bring the colours back into the views nor fill the fields."""
    import slicer

    app, parameters = predicted.app, predicted.panel._parameters
    assert _composite(app).GetForegroundVolumeID() is not None
    app.application._select_module("")
    _composite(app).SetForegroundVolumeID(None)
    parameters.rvInsertion = None
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "of another module")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "of another module")
    app.settle()
    app.mouse.spin(0.2)
    assert _composite(app).GetForegroundVolumeID() is None
    assert parameters.rvInsertion is None
    app.application._select_module("LaMoDSlicer")
    app.settle()
    assert _composite(app).GetForegroundVolumeID() is not None, "entering the module shows the result again"


def test_the_display_follows_the_chosen_result(predicted):
    """A second result has its own motion: lines, and numbers in the panel."""
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    from Testing.Slicer import reading_heart
    from Testing.Slicer.ring_heart import heart

    app, parameters = predicted.app, predicted.panel._parameters
    first = predicted.panel.displayPanel.result
    folder = reading_heart.Path(app.application.temporaryPath) / "second-result"
    weaker = reading_heart.motion_of(heart(), strength=np.full((128, 128), 0.4))
    reading_heart.write_reading(folder, [heart()], [weaker])
    headline = predicted.panel.ui.headlineLabel.text
    predicted.panel.readingPanel.loadSecond(folder)
    (second,) = [node for node in ResultNode.all() if node.name == "second-result"]
    parameters.resultBrowser = second.browsers()[0]
    app.settle()
    shown = predicted.panel.displayPanel.result
    assert shown.browserNode is second.browsers()[0]
    assert np.abs(shown.motion.displacementMm).max() < 0.6 * np.abs(first.motion.displacementMm).max()
    assert predicted.panel.ui.headlineLabel.text != headline


def test_nothing_is_updated_while_a_scene_is_imported(slicer_app, monkeypatch):
    import slicer

    scene, updates = slicer.mrmlScene, []
    monkeypatch.setattr(slicer_app.widget.heartPanel, "update", lambda: updates.append(scene.IsImporting()))
    scene.StartState(scene.ImportState)
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    slicer_app.mouse.spin(0.3)
    assert updates == []
    scene.EndState(scene.ImportState)
    slicer_app.mouse.spin(0.3)
    assert updates
    assert not any(updates)


def test_leaving_the_module_restores_the_sampling_of_slabs(predicted):
    app = predicted.app
    node = app.window.red.node
    before = float(node.GetAttribute("LaMoD.SlabOversampling"))
    fast = node.GetSlabReconstructionOversamplingFactor()
    assert fast != before
    app.application._select_module("")
    assert node.GetSlabReconstructionOversamplingFactor() == before
    app.application._select_module("LaMoDSlicer")
    assert node.GetSlabReconstructionOversamplingFactor() == fast


def test_clean_up_continues_after_an_error(slicer_app, caplog):
    """The widget of a module that is unloaded or reloaded must not keep observing the scene."""
    from types import SimpleNamespace

    done = []

    def fails():
        raise RuntimeError("the process is a zombie")

    widget = SimpleNamespace(
        predictPanel=SimpleNamespace(cleanup=fails),
        setParameters=done.append,
        advancedPanel=SimpleNamespace(cleanup=lambda: done.append("advanced")),
        readingPanel=SimpleNamespace(cleanup=lambda: done.append("reading")),
        contoursPanel=SimpleNamespace(cleanup=lambda: done.append("contours")),
        heartPanel=SimpleNamespace(cleanup=lambda: done.append("heart")),
        _watch=SimpleNamespace(release=lambda: done.append("watch")),
        removeObservers=lambda: done.append("observers"),
    )
    type(slicer_app.widget).cleanup(widget)
    assert done == [None, "advanced", "reading", "contours", "heart", "watch", "observers"]
    assert "the process is a zombie" in caplog.text


def test_contours_changed_in_a_sequence_are_saved_with_the_scene(slicer_app, tmp_path):
    """Slicer saves only what is marked as modified; changing the frames of a sequence does not mark it."""
    from Testing.Slicer.annotator import click, faulty_heart, set_up

    annotator = set_up(slicer_app, faulty_heart())
    sequence = annotator.browser.GetSequenceNode(annotator.segmentation)
    sequence.AddDefaultStorageNode()
    storage = sequence.GetStorageNode()
    storage.SetFileName(str(tmp_path / "masks.seq.mrb"))
    click(annotator, "checkButton")
    for button in ("fixButton", "undoButton"):
        assert storage.WriteData(sequence)
        assert not sequence.GetModifiedSinceRead()
        click(annotator, button)
        assert sequence.GetModifiedSinceRead(), button


@pytest.mark.parametrize(
    ("typed", "expected"), [("strain", "strain.pdf"), ("strain.PDF", "strain.PDF"), ("a.b", "a.b.pdf")]
)
def test_a_suffix_is_appended_and_the_folder_is_the_users(slicer_app, tmp_path, monkeypatch, typed, expected):
    import qt
    import slicer
    from LaMoDSlicerLib.Widgets import FileDialogs

    settings = slicer.app.userSettings()
    settings.setValue("LaMoD/Folder", "")
    proposals = []

    def answer(_parent, _title, proposal, _filters):
        proposals.append(proposal)
        return str(tmp_path / typed)

    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", answer)
    chosen = FileDialogs.saveFile("Report", "strain.pdf", "PDF (*.pdf)", (".pdf",))
    assert chosen == tmp_path / expected
    FileDialogs.saveFile("Report", "strain.pdf", "PDF (*.pdf)", (".pdf",))
    assert all(Path(proposal).is_absolute() for proposal in proposals)
    assert proposals[1] == str(tmp_path / "strain.pdf"), "the folder of the last file is remembered"
    settings.setValue("LaMoD/Folder", "")


def test_a_file_that_exists_only_with_the_suffix_is_replaced_after_a_question(slicer_app, tmp_path, monkeypatch):
    import qt
    import slicer
    from LaMoDSlicerLib.Widgets import FileDialogs

    (tmp_path / "strain.pdf").touch()
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: str(tmp_path / "strain"))
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_, **__: False)
    assert FileDialogs.saveFile("Report", "strain.pdf", "PDF (*.pdf)", (".pdf",)) is None
    slicer.app.userSettings().setValue("LaMoD/Folder", "")


def _layout_node(app):
    return app.application._layout._logic.GetLayoutNode()


def test_layouts_are_known_before_the_room_is_opened(slicer_app):
    from LaMoDSlicerLib.Advanced import TrainingLayout
    from LaMoDSlicerLib.Reading import ReadingLayout

    for number in (ReadingLayout.ONE, ReadingLayout.COMPARISON, TrainingLayout.CURVES):
        assert _layout_node(slicer_app).IsLayoutDescription(number)
    assert ReadingLayout.TAG in [factory._tag for factory in slicer_app.application._layout._factories]


@pytest.mark.parametrize("saved", ["with this version", "with LaMoD's layout"])
def test_a_scene_saved_with_the_room_open_loads_with_an_ordinary_layout(slicer_app, ring, tmp_path, saved):
    import slicer
    from LaMoDSlicerLib.Reading import ReadingLayout
    from LaMoDSlicerLib.Scene import HiddenMasks

    node = _layout_node(slicer_app)
    ring.segmentation.GetDisplayNode().SetVisibility(False)
    ReadingLayout.open(ReadingLayout.ONE)
    HiddenMasks.setAside(ring.browser)
    assert node.GetViewArrangement() == ReadingLayout.ONE
    if saved != "with this version":
        node.SetSaveWithScene(True)
    path = str(tmp_path / "scene.mrb")
    assert slicer.app.coreIOManager().saveScene(path)
    ReadingLayout.close()
    assert node.GetViewArrangement() == node.SlicerLayoutOneUpRedSliceView
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(path)
    slicer_app.settle()
    assert node.GetViewArrangement() not in (ReadingLayout.ONE, ReadingLayout.TWO)
    assert slicer_app.window.red.isVisible()
    masks = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert masks
    assert all(node.GetDisplayNode() is not None for node in masks)
    slicer.mrmlScene.Clear(0)
    slicer_app.settle()
    # the scene reader warns about the rotated slice view, as Slicer's does
    slicer_app.faults.found[:] = [f for f in slicer_app.faults.found if "preset name: Reformat" not in f]


def test_a_cine_or_masks_below_a_transform_are_refused(slicer_app, ring):
    """Voxels would be read without the transform, and points with it."""
    import slicer
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "registration")
    ui = slicer_app.widget.ui
    for node in (CineSource(ring.browser).volumeNode(), ring.segmentation):
        node.SetAndObserveTransformNodeID(transform.GetID())
        slicer_app.widget.update()
        assert not ui.predictButton.enabled
        assert "is moved by the transform “registration”: harden" in ui.predictButton.toolTip
        node.SetAndObserveTransformNodeID(None)
    slicer_app.widget.update()
    assert ui.predictButton.enabled


def test_on_windows_processes_are_ended_without_a_console_and_without_waiting(slicer_app, monkeypatch):
    from types import SimpleNamespace

    from LaMoDSlicerLib.Worker import WorkerProcess as module

    started = []
    monkeypatch.setattr(module, "IS_WINDOWS", True)
    monkeypatch.setattr(module, "NO_WINDOW", 0x08000000)
    popen = lambda command, **options: started.append((command, options))  # noqa: E731
    monkeypatch.setattr(module.subprocess, "Popen", popen)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: pytest.fail("it waits in the GUI thread"))
    worker = module.WorkerProcess(lambda _p: None, lambda _lines: None, lambda _text: None)
    worker._killGroup(SimpleNamespace(pid=4711))
    ((command, options),) = started
    assert command == ["taskkill", "/F", "/T", "/PID", "4711"]
    assert options["creationflags"] == 0x08000000
    started.clear()
    worker._process = SimpleNamespace(pid=4711, poll=lambda: 0)
    for _ in range(3):
        worker._poll()
    assert started == [], "a process that exited is not searched for at every poll"
    worker._process = None


def test_a_zombie_in_the_group_does_not_stop_the_cancellation(slicer_app, monkeypatch):
    """os.killpg raises PermissionError on macOS if a process of the group is a zombie."""
    from types import SimpleNamespace

    from LaMoDSlicerLib.Worker import WorkerProcess as module

    def refused(_group, _signal):
        raise PermissionError(1, "Operation not permitted")

    killed = []
    monkeypatch.setattr(module.os, "killpg", refused)
    module.WorkerProcess._killGroup(SimpleNamespace(pid=4711, kill=lambda: killed.append(True)))
    assert killed == [True]


@pytest.mark.parametrize("written", [r"C:\Temp\LaMoD-1\masks.seq.nrrd", r"C:\\Temp\\LaMoD-1\\masks.seq.nrrd"])
def test_no_temporary_path_of_windows_is_shown(host, written):
    from pathlib import PureWindowsPath

    from LaMoDSlicerLib.Prediction.PredictionRequest import explainExit

    text = explainExit(1, f"{written}: the ring is open at frame 3.", PureWindowsPath(r"C:\Temp\LaMoD-1"))
    assert text == "The masks: the ring is open at frame 4.", "frames count from 1 on screen"


def test_the_keys_of_the_review_belong_to_the_contours_panel(slicer_app):
    """A letter that is typed elsewhere in Slicer accepts no contour."""
    import qt

    shortcuts = slicer_app.widget.contoursPanel.review.shortcuts
    assert set(shortcuts) == {"A", "N", "P", "U"}
    assert {shortcut.context for shortcut in shortcuts.values()} == {qt.Qt.WidgetWithChildrenShortcut}


def test_the_modules_that_this_one_uses_are_loaded_first(slicer_app):
    import slicer

    assert {"Markups", "Segmentations", "Sequences"} <= set(slicer.modules.lamodslicer.dependencies)


@pytest.mark.parametrize("has_models", [False, True])
def test_models_of_the_user_are_next_to_slicers_settings(slicer_app, tmp_path, monkeypatch, has_models):
    """A portable Slicer keeps everything of the user in its own folder; models of the command are still found."""
    from LaMoDSlicerLib.Worker import ModelFolder

    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    of_the_command = tmp_path / ".lamod" / "models"
    if has_models:
        (of_the_command / "mine").mkdir(parents=True)
        (of_the_command / "mine" / "model.json").touch()
    settings = Path(slicer_app.application.slicerUserSettingsFilePath).parent
    assert ModelFolder.folder() == (of_the_command if has_models else settings / "LaMoD" / "models")
    monkeypatch.delenv(ModelFolder.VARIABLE, raising=False)
    ModelFolder.use()
    from LaMoDCore.models.registry import user_folder

    assert user_folder() == ModelFolder.folder()
    monkeypatch.setenv(ModelFolder.VARIABLE, "chosen")
    ModelFolder.use()
    assert user_folder() == Path("chosen")


def test_hidden_masks_are_not_copied_at_a_step_and_follow_again_afterwards(slicer_app, ring):
    from LaMoDSlicerLib.Scene import HiddenMasks

    sequence = ring.browser.GetSequenceNode(ring.segmentation)
    ring.segmentation.GetDisplayNode().SetVisibility(False)
    HiddenMasks.setAside(ring.browser)
    assert not ring.browser.GetPlayback(sequence)
    ring.browser.SetSelectedItemNumber(9)
    HiddenMasks.bringBack()
    assert ring.browser.GetPlayback(sequence)
    shown, stored, before = (_voxels(n) for n in (ring.segmentation, *map(sequence.GetNthDataNode, (9, 0))))
    assert np.array_equal(shown, stored)
    assert shown.shape != before.shape or not np.array_equal(shown, before)


def _voxels(segmentation):
    """Every voxel of the first segment's labelmap."""
    from vtk.util.numpy_support import vtk_to_numpy

    image = segmentation.GetSegmentation().GetNthSegment(0).GetRepresentation("Binary labelmap")
    return vtk_to_numpy(image.GetPointData().GetScalars()).copy()


def test_the_item_of_a_removed_node_leaves_the_subject_hierarchy(slicer_app):
    """Otherwise VTK reports an inconsistency as soon as a later node lies at the same address."""
    import slicer
    import vtk

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)

    def items():
        found = vtk.vtkIdList()
        hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), found, True)
        return [found.GetId(index) for index in range(found.GetNumberOfIds())]

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "Result")
    item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    assert item in items() and hierarchy.GetItemDataNode(item) is node
    slicer.mrmlScene.RemoveNode(node)
    assert item not in items()
