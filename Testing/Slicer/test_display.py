"""The private display that the window tests run on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os
from Testing.SlicerHost.display import VirtualDisplay
screen = VirtualDisplay()
os.environ["DISPLAY"] = screen.name
from PySide6.QtWidgets import QApplication, QWidget
application = QApplication(["window"])
window = QWidget()
window.show()
application.processEvents()
del screen
print(os.environ["DISPLAY"])
"""


def test_a_program_with_an_open_window_exits_and_ends_its_display() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    name = done.stdout.split()[-1]
    socket = Path(f"/tmp/.X11-unix/X{name.removeprefix(':')}")
    deadline = time.monotonic() + 20
    while socket.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not socket.exists()
