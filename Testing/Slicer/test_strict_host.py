"""The stand-ins reject names that the real classes lack, and errors in slots and observers fail a test."""

from __future__ import annotations

from typing import Union

import pytest


def _as_module_code(source: str, **names):
    """Run code as part of the module under test."""
    exec(source, {"__name__": "LaMoDSlicerLib.Probe", **names})


def test_real_names_are_accepted(slicer_app):
    box = slicer_app.widget.ui.cineSelector
    _as_module_code(
        "box.noneEnabled = True; box.currentNode(); box.setMRMLScene(box.mrmlScene()); box.visible", box=box
    )


@pytest.mark.parametrize("use", ["box.nodes()", "box.noneEnable = True", "box._x.y if False else box.refresh()"])
def test_names_missing_in_the_real_class_raise(slicer_app, use):
    with pytest.raises(AttributeError):
        _as_module_code(use, box=slicer_app.widget.ui.cineSelector)


@pytest.mark.parametrize(
    "signature", ["currentNodeChanged(vtkMRMLVolumeNode*)", "nodeChosen(vtkMRMLNode*)", "clicked(int)"]
)
def test_signals_missing_in_the_real_class_raise(slicer_app, signature):
    with pytest.raises(RuntimeError, match="has no signal"):
        _as_module_code("box.connect(signature, print)", box=slicer_app.widget.ui.cineSelector, signature=signature)


def test_qt_objects_refuse_new_attributes(slicer_app):
    with pytest.raises(AttributeError, match="does not exist"):
        slicer_app.widget.ui.predictButton.enable = False


def test_an_error_in_a_slot_is_collected(slicer_app):
    import qt

    def slot():
        raise ValueError("planned")

    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(slot)
    timer.start(0)
    slicer_app.mouse.spin(0.2)
    assert any("planned" in fault for fault in slicer_app.faults.found)
    slicer_app.faults.found.clear()


def test_an_error_in_an_observer_is_collected(slicer_app):
    import slicer

    def observer(_caller, _event):
        raise ValueError("planned")

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver("ModifiedEvent", observer)
    node.SetName("x")
    assert any("planned" in fault for fault in slicer_app.faults.found)
    slicer_app.faults.found.clear()


def test_a_vtk_error_is_collected(slicer_app):
    import vtk

    vtk.vtkPolyDataMapper().Update()
    assert slicer_app.faults.found
    slicer_app.faults.found.clear()


def test_unsupported_parameter_types_raise(host):
    import slicer

    from Testing.SlicerHost.parameter_nodes import parameterNodeWrapper

    without_none = Union[slicer.vtkMRMLModelNode, slicer.vtkMRMLTextNode]  # noqa: UP007
    for hint in (dict[str, int], without_none, slicer.vtkMRMLModelNode | None):
        wrong = type("Wrong", (), {"__annotations__": {"points": hint}})
        with pytest.raises(TypeError, match=r"not supported|add None|take typing\.Union"):
            parameterNodeWrapper(wrong)
