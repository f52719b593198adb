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
    """Xvfb on a display number of its own choosing, with openbox; both end after this process has.

    They outlive it because an X client whose server goes first ends with an I/O error and exit status 1, whatever it
    did before: with its windows' connection open, the process itself must never end the server.

    Attributes:
        name: for the environment variable DISPLAY.
    """

    def __init__(self) -> None:
        reader, writer = os.pipe()
        server = subprocess.Popen(
            [
                *("Xvfb", "-displayfd", str(writer), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"),
                *("+extension", "GLX", "-nolisten", "tcp"),
            ],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(writer)
        with os.fdopen(reader) as answer:
            self.name = f":{answer.readline().strip()}"
        if self.name == ":":
            raise RuntimeError("Xvfb did not start")
        manager = subprocess.Popen(
            ["openbox"],
            env={**os.environ, "DISPLAY": self.name},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        # The writing end stays open, by its number alone, for as long as this process lives, however it ends.
        told, _until_the_end = os.pipe()
        keeper = subprocess.Popen(
            ["sh", "-c", 'cat; kill "$@"', "keeper", str(manager.pid), str(server.pid)],
            stdin=told,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(told)
        self._processes = (server, manager, keeper)
        time.sleep(0.5)
