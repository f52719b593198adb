"""A private X display with a window manager, so that windows can be clicked where there is no screen."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time

SIZE = (1280, 800)
_PROGRAMS = ("Xvfb", "openbox", "xdotool", "import")
_PACKAGES = ("slicer_core", "PySide6")


def missing() -> str:
    """What this machine lacks for the window tests, in words; "" where nothing is missing."""
    lacking = [p for p in _PROGRAMS if shutil.which(p) is None]
    lacking += [p for p in _PACKAGES if importlib.util.find_spec(p) is None]
    return f"needs {', '.join(lacking)}" if lacking else ""


class VirtualDisplay:
    """Xvfb on a display number of its own choosing, with openbox; ``stop`` ends both."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        screen = f"{SIZE[0]}x{SIZE[1]}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", screen, "+extension", "GLX", "-nolisten", "tcp"],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as answer:
            self.name = f":{answer.readline().strip()}"
        if self.name == ":":
            raise RuntimeError("Xvfb did not start")
        environment = {**os.environ, "DISPLAY": self.name}
        self._manager = subprocess.Popen(
            ["openbox"], env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        time.sleep(0.5)

    def stop(self) -> None:
        for process in (self._manager, self._server):
            process.kill()
            process.wait()
