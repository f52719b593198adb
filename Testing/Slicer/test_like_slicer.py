"""Behaviour of Slicer that the module must cope with: leaving the module, other modules' nodes, saving, layouts."""

from __future__ import annotations

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
    first = predicted.panel.displayPanel._result
    folder = reading_heart.Path(app.application.temporaryPath) / "second-result"
    weaker = reading_heart.motion_of(heart(), strength=np.full((128, 128), 0.4))
    reading_heart.write_reading(folder, [heart()], [weaker])
    headline = predicted.panel.ui.headlineLabel.text
    predicted.panel.readingPanel.loadSecond(folder)
    (second,) = [node for node in ResultNode.all() if node.name == "second-result"]
    parameters.resultBrowser = second.browsers()[0]
    app.settle()
    shown = predicted.panel.displayPanel._result
    assert shown.browserNode is second.browsers()[0]
    assert np.abs(shown.motion.displacementMm).max() < 0.6 * np.abs(first.motion.displacementMm).max()
    assert predicted.panel.ui.headlineLabel.text != headline
