"""A private X display with a window manager, to click windows on a machine without a screen."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time

#: Width and height of the screen; the environment variable is for `make screenshots`.
SIZE = tuple(int(n) for n in os.environ.get("LAMOD_SCREEN", "1280x800").split("x"))
_PROGRAMS = ("Xvfb", "openbox", "xdotool")
_PACKAGES = ("slicer_core", "PySide6")


def missing() -> str:
    """Names of the programs and packages missing for the window tests; "" if none is."""
    lacking = [p for p in _PROGRAMS if shutil.which(p) is None]
    lacking += [p for p in _PACKAGES if importlib.util.find_spec(p) is None]
    return f"needs {', '.join(lacking)}" if lacking else ""


class VirtualDisplay:
    """Xvfb on a free display number, with openbox; both end after this process.

    An X client whose server ends first exits with an I/O error and status 1. This process therefore never ends the
    server itself while its windows are connected.

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
        # The writing end of the pipe is open as long as this process lives, however it ends.
        watched, _open_until_exit = os.pipe()
        keeper = subprocess.Popen(
            ["sh", "-c", 'cat; kill "$@"', "keeper", str(manager.pid), str(server.pid)],
            stdin=watched,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(watched)
        self._processes = (server, manager, keeper)
        time.sleep(0.5)
