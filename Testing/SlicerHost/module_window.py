"""Opens LaMoD's module in a window of the stand-in, for tests, benchmarks and ``make slicer-host``."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from Testing.SlicerHost import display, start

if TYPE_CHECKING:
    from Testing.SlicerHost.application import Application
    from Testing.SlicerHost.main_window import MainWindow

MODULE = Path(__file__).resolve().parents[2] / "LaMoDSlicer" / "LaMoDSlicer.py"


def open_window(application: Application, module: Path = MODULE) -> MainWindow:
    """Show the main window with the module's panel."""
    from Testing.SlicerHost.main_window import MainWindow

    window = MainWindow(application)
    application._load_module(module)
    window.show()
    application._select_module(module.stem)
    return window


def open_on_private_display(module: Path = MODULE) -> SimpleNamespace:
    """Show the window in a new application on a private display; returns application, window, mouse and display."""
    screen = display.VirtualDisplay()
    os.environ["DISPLAY"] = screen.name
    os.environ.pop("QT_QPA_PLATFORM", None)
    application = start()
    from Testing.SlicerHost import mouse, quiet

    window = open_window(application, module)
    quiet.wait()
    return SimpleNamespace(application=application, window=window, mouse=mouse, display=screen)
