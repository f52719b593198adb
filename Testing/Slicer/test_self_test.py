"""`LaMoDSlicerTest` as Slicer runs it, and the first use without torch."""

from __future__ import annotations

import importlib.util

from Testing.Slicer import panel


def test_reload_and_test(slicer_app, fake_worker):
    import slicer

    fake_worker("ok")
    slicer_app.widget.onReload()
    fake_worker("ok")
    slicer.selfTests["LaMoDSlicer"]()
    slicer_app.settle()
    assert slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")


def test_self_test_skips_the_prediction_without_torch(slicer_app, monkeypatch):
    import slicer

    _hide(monkeypatch, "torch")
    slicer.selfTests["LaMoDSlicer"]()
    assert slicer_app.widget._parameters.resultBrowser is None
    assert slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"), "the sample heart must be loaded"


def test_without_torch_the_extension_is_named(slicer_app, ring, monkeypatch):
    _hide(monkeypatch, "torch")
    panel.predict(slicer_app)
    assert "install the extension “PyTorch”" in slicer_app.widget.ui.messageLabel.text


def test_a_declined_package_is_reported_and_requested_again_at_the_next_click(slicer_app, ring, monkeypatch):
    from LaMoDSlicerLib.Worker import Dependencies

    monkeypatch.setattr(Dependencies, "PACKAGES", ("no-such-package>=1",))
    asked = slicer_app.application._packaging.asked
    asked.clear()
    assert not asked, "nothing may be requested before a click"
    for clicks in (1, 2):
        panel.predict(slicer_app)
        assert asked == [(["no-such-package>=1"], "LaMoD")] * clicks
        assert "was not installed" in slicer_app.widget.ui.messageLabel.text


def _hide(monkeypatch, package):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == package else found(name, *rest)
    )
