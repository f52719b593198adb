"""Predict the sample heart with the installed module: a separate program, copied out of the repository.

Prints one line of JSON: the files of the module and its libraries, and the state of the panel.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def _only_this_python_slicer(folder: Path, packages: str) -> None:
    """Make the worker import only the packages and the module's own paths: -S hides the repository."""
    folder.mkdir()
    program = folder / "PythonSlicer"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{packages}" exec "{sys.executable}" -S "$@"\n')
    program.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def main(modules: Path, packages: str) -> None:
    """Open the module in `modules`, load the sample heart with a click and click Predict Strain."""
    from Testing.SlicerHost.module_window import open_on_private_display

    opened = open_on_private_display(modules / "LaMoDSlicer.py")
    window, mouse = opened.window, opened.mouse
    _only_this_python_slicer(Path.cwd() / "bin", packages)
    import slicer

    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    widget = slicer.modules.LaMoDSlicerWidget
    seen = {"enabled before": widget.ui.predictButton.enabled}
    mouse.click(window.sample_button)
    seen["enabled after"] = mouse.spin(60, lambda: widget.ui.predictButton.enabled)
    before = window.red.picture()
    widget._parameters.samples = 1
    mouse.click(widget.ui.predictButton)
    seen["started"] = mouse.spin(30, lambda: widget.predictPanel.job is not None)
    seen["ended"] = mouse.spin(500, lambda: widget.predictPanel.job is None)
    mouse.spin(1)
    seen["message"] = widget.ui.messageLabel.text
    seen["pixels changed"] = int((window.red.picture() != before).any(axis=2).sum())
    names = ("LaMoDSlicer", "LaMoDSlicerLib", "LaMoDCore", "Testing.SlicerHost")
    seen["files"] = {name: sys.modules[name].__file__ for name in names}
    print(json.dumps(seen))
