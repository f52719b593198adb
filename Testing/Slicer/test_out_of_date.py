"""A result is marked as out of date when its contours are no longer those that a prediction would use."""

from __future__ import annotations

import numpy as np
import pytest

from Testing.Slicer import panel
from Testing.Slicer.test_heart_table import add, click_use, ring_at, write_masks


@pytest.fixture
def predicted(slicer_app, ring, fake_worker):
    """A result of the ring that is not out of date."""
    from LaMoDSlicerLib.Results import ResultContours
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    fake_worker("ok")
    panel.predict(slicer_app)
    (result,) = ResultNode.all()
    assert not ResultContours.isOutOfDate(result)
    assert "Out of date" not in slicer_app.widget.ui.headlineLabel.text
    return result


def is_marked(app, result):
    """Whether the panel and the report mark the result."""
    from LaMoDSlicerLib.Results import ResultContours
    from LaMoDSlicerLib.Results.ResultReport import ResultReport

    app.settle()
    expected = ResultContours.isOutOfDate(result)
    assert ("Out of date" in app.widget.ui.headlineLabel.text) == expected
    page = ResultReport(result).draw({})
    assert any("Out of date" in text.get_text() for text in page.texts) == expected
    return expected


def test_a_page_shows_the_drawn_contours_until_they_change(slicer_app, ring, predicted, tmp_path):
    import slicer
    from LaMoDSlicerLib.Results.PageExport import PageExport
    from LaMoDSlicerLib.Worker.SlicedWork import completed

    pytest.importorskip("bokeh")
    (path,) = completed(PageExport(predicted, {}).steps(tmp_path / "page.html"))
    text = path.read_text(encoding="utf-8")
    assert 'id="show-drawn"' in text and "Out of date" not in text
    slicer.mrmlScene.RemoveNode(ring.segmentation)
    slicer_app.settle()
    completed(PageExport(predicted, {}).steps(path))
    text = path.read_text(encoding="utf-8")
    assert 'id="show-drawn"' not in text and "Out of date" in text


def second_masks(ring):
    """The masks of the ring once more, as a second reader draws them."""
    from LaMoDSlicerLib.Scene import SampleHeart

    browser, masks = SampleHeart.addToScene(ring.slice, "Second")
    return browser, masks


def test_other_masks_of_the_same_cine(slicer_app, ring, predicted):
    import slicer
    from LaMoDSlicerLib.Results import ResultContours, ResultKeeper
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    _browser, masks = second_masks(ring)
    parameters = slicer_app.widget._parameters
    slicer_app.settle()
    parameters.cine, parameters.masks = ring.browser, masks
    slicer_app.settle()
    assert is_marked(slicer_app, predicted)
    assert ResultContours.titleOf(predicted).endswith("(↻ out of date: contours changed)")

    # a prediction from the new masks that keeps the earlier result: both are results of their own masks
    parameters.parameterNode.SetAttribute(ResultKeeper.ADD, "yes")
    panel.predict(slicer_app)
    assert len(ResultNode.all()) == 2
    assert not any(ResultContours.isOutOfDate(each) for each in ResultNode.all())

    slicer.mrmlScene.RemoveNode(masks)
    slicer_app.settle()
    newer = next(each for each in ResultNode.all() if each.node is not predicted.node)
    assert ResultContours.isOutOfDate(newer)


def test_masks_that_were_removed_from_the_scene(slicer_app, ring, predicted):
    import slicer

    slicer.mrmlScene.RemoveNode(ring.segmentation)
    assert is_marked(slicer_app, predicted)


def test_another_choice_of_structures(slicer_app, ring, predicted):
    contours = slicer_app.widget.contoursPanel
    selector = contours.ui.cavityStructureSelector
    before = selector.currentIndex
    selector.currentIndex = selector.findText("Not used")
    contours.structuresSection.onActivated("cavity", selector.currentIndex)
    assert is_marked(slicer_app, predicted)
    contours.structuresSection.onActivated("cavity", before)
    assert not is_marked(slicer_app, predicted)


def test_only_an_edit_of_a_used_slice_counts(slicer_app, tmp_path, fake_worker):
    import slicer
    from LaMoDSlicerLib.Results import ResultContours
    from LaMoDSlicerLib.Results.ResultNode import ResultNode
    from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence

    fake_worker("ok")
    add(slicer_app, write_masks(tmp_path / "stack.seq.nrrd", [ring_at(i) for i in (1, 0, -1)]))
    masks = slicer_app.widget._parameters.masks
    unused, used_depth = (row.depth for row in slicer_app.widget.heartPanel._model.rows[:2])
    click_use(slicer_app, 0)
    panel.predict(slicer_app)
    (result,) = ResultNode.all()

    def erase(depth):
        frame = FrameSequence(masks).frames()[2]
        values = slicer.util.arrayFromVolume(frame)
        rows_, columns = np.nonzero(values[depth])
        values[depth, rows_[0], columns[0]] = 0
        slicer.util.arrayFromVolumeModified(frame)
        slicer_app.settle()

    erase(unused)
    assert not ResultContours.isOutOfDate(result)
    erase(used_depth)
    assert ResultContours.isOutOfDate(result)


def test_a_result_that_cannot_be_shown_leaves_the_earlier_one(slicer_app, predicted, monkeypatch):
    from LaMoDSlicerLib.Results import ResultKeeper
    from LaMoDSlicerLib.Results.ResultScene import ResultScene

    def fails(error):
        raise error("planned")

    before = panel.node_names()
    monkeypatch.setattr(ResultKeeper.ResultNumbers, "ofResult", lambda _result: fails(KeyError))
    panel.predict(slicer_app)
    assert "planned" in slicer_app.widget.ui.messageLabel.text
    assert panel.node_names() == before
    assert ResultScene(predicted.browsers()[0]).isShown
    assert slicer_app.widget.predictPanel.job is None
    monkeypatch.setattr(ResultKeeper, "ResultNumbers", type("Numbers", (), {"ofResult": lambda _result: None}))
    monkeypatch.setattr(ResultKeeper, "SpatialFields", lambda *_arguments: fails(RuntimeError))
    panel.predict(slicer_app)
    assert "planned" in slicer_app.widget.ui.messageLabel.text
    assert panel.node_names() == before
    assert slicer_app.widget.ui.predictButton.enabled
    assert [fault for fault in slicer_app.faults.found if "planned" not in fault] == []
    slicer_app.faults.found.clear()  # an unexpected error is also in the error log
