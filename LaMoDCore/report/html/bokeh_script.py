"""The script of Bokeh, which draws the curves; it is a part of its Python package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from LaMoDCore.runtime.errors import LaMoDInputError

#: Library and its programming interface for scripts, relative to the package.
_FILES = ("server/static/js/bokeh.min.js", "server/static/js/bokeh-api.min.js")


def check_bokeh() -> None:
    """Check that pages can be written, before long work.

    Raises:
        LaMoDInputError: Bokeh is not installed.
    """
    bokeh_files()


def bokeh_files() -> list[Path]:
    """The files of Bokeh's script, in the order in which they are loaded. Bokeh itself is not imported.

    Raises:
        LaMoDInputError: Bokeh is not installed.
    """
    found = find_spec("bokeh")
    folder = Path(found.origin).parent if found is not None and found.origin else None
    files = [] if folder is None else [folder / name for name in _FILES]
    if not files or not all(file.is_file() for file in files):
        raise LaMoDInputError("report.html", "it needs the package bokeh", "install it: pip install 'lamod[html]'")
    return files
