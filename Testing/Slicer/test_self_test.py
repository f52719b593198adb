"""`LaMoDSlicerTest` as Slicer runs it, and the first use without torch."""

from __future__ import annotations

import importlib.util

import pytest

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


def test_a_failed_installation_shows_the_last_line_of_pip_and_the_normal_cursor(slicer_app, ring, monkeypatch):
    import qt
    import slicer
    from LaMoDSlicerLib.Worker import Dependencies

    monkeypatch.setattr(Dependencies, "PACKAGES", ("no-such-package>=1",))
    packaging = slicer_app.application._packaging
    monkeypatch.setattr(packaging, "accepts", True)
    failure = "Collecting no-such-package>=1\nERROR: No matching distribution found for no-such-package>=1\n\nnotice"
    monkeypatch.setattr(packaging, "failure", failure)
    cursors = []
    install = packaging.pip_install
    watched = lambda *rest, **named: cursors.append(qt.QApplication.overrideCursor()) or install(*rest, **named)  # noqa: E731
    monkeypatch.setattr(packaging, "pip_install", watched)
    panel.predict(slicer_app)
    text = slicer_app.widget.ui.messageLabel.text
    assert "no-such-package>=1 could not be installed: No matching distribution found for no-such-package>=1." in text
    assert "was not installed. Press" not in text, "a failure is not a refusal"
    assert cursors == [None]
    assert slicer.app.testingEnabled()


def test_an_installation_that_is_refused_by_slicer_is_not_a_refusal_of_the_user(slicer_app, ring, monkeypatch):
    from LaMoDSlicerLib.Inputs.InputError import InputError
    from LaMoDSlicerLib.Worker import Dependencies

    packaging = slicer_app.application._packaging
    monkeypatch.setattr(packaging, "accepts", True)
    monkeypatch.setattr(packaging, "is_running", True)
    with pytest.raises(InputError, match="could not be installed: A non-blocking pip_install is already in progress"):
        Dependencies.ensureOnly(("no-such-package>=1",))


def test_packages_for_pictures_are_ensured_when_the_room_opens(slicer_app, ring, fake_worker, monkeypatch):
    """Slicer has no matplotlib; a loaded result needs it although nothing was predicted."""
    fake_worker("ok")
    panel.predict(slicer_app)
    packaging = slicer_app.application._packaging
    packaging.asked.clear()
    found = type(packaging)._is_installed
    monkeypatch.setattr(packaging, "_is_installed", lambda name: not name.startswith("matplotlib") and found(name))
    _hide(monkeypatch, "matplotlib")
    reading = slicer_app.widget.readingPanel
    slicer_app.mouse.click(reading.ui.roomButton)
    slicer_app.settle()
    assert packaging.asked == [(["matplotlib>=3.8"], "LaMoD")]
    assert not reading.ui.roomButton.checked
    assert "LaMoD needs matplotlib>=3.8" in reading.ui.readingMessage.text


def _hide(monkeypatch, package):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == package else found(name, *rest)
    )


def test_sample_data_registers_one_slice_and_three_series(slicer_app):
    """Each opens without a download; the module shows a title of its own for them."""
    import SampleData
    import slicer

    (category,) = (name for name, sources in slicer.modules.sampleDataSources.items() if sources)
    assert slicer.modules.sampleDataSourceCategories[category] == {"title": "LaMoD Strain"}
    SampleData.SampleDataLogic.downloadSample("LaMoDPhantom")
    SampleData.SampleDataLogic.downloadSample("LaMoDPhantomThreeSlices")
    slicer_app.settle()
    names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")]
    assert names == ["Phantom", "Phantom base", "Phantom mid", "Phantom apex"]
    planes = {node.GetOrigin() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")}
    assert len(planes) >= 3, "the slices lie in different planes"
