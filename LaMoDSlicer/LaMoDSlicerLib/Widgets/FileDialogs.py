"""File dialogs that start in the user's folder and name files with the suffix of their format."""

from collections.abc import Iterable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

#: Application setting: the folder of the last file.
_FOLDER = "LaMoD/Folder"


def saveFile(title: str, name: str, filters: str, suffixes: tuple[str, ...]) -> Path | None:
    """Ask for a new file; None if the user cancels.

    Args:
        title: of the dialog.
        name: proposed file name, or a path.
        filters: as in Qt.
        suffixes: of the format; a name without one of them gets the first, which not every system's dialog does.
    """
    proposal = name if Path(name).is_absolute() else str(folder() / name)
    chosen = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, proposal, filters)
    if not chosen:
        return None
    path = withSuffix(Path(chosen), suffixes)
    if str(path) != chosen and path.exists():  # the dialog asked about the name without the suffix
        question = _("“{name}” exists already. Replace it?").format(name=path.name)
        if not slicer.util.confirmOkCancelDisplay(question, windowTitle=title):
            return None
    _remember(path.parent)
    return path


def mayReplace(paths: Iterable[Path], title: str) -> bool:
    """Whether none of the files exists, or the user agrees to replace those that do."""
    existing = [path.name for path in paths if path.exists()]
    if not existing:
        return True
    names = ", ".join(existing[:4]) + (" …" if len(existing) > 4 else "")
    text = _("The folder already contains {names}. Replace these files?")
    return bool(slicer.util.confirmOkCancelDisplay(text.format(names=names), windowTitle=title))


def withSuffix(path: Path, suffixes: tuple[str, ...]) -> Path:
    """The path, with the first suffix if it has none of them."""
    known = any(path.name.lower().endswith(suffix) for suffix in suffixes)
    return path if known or not suffixes else path.with_name(path.name + suffixes[0])


def chooseFolder(title: str) -> Path | None:
    """Ask for a folder; None if the user cancels."""
    chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title, str(folder()))
    if not chosen:
        return None
    _remember(Path(chosen))
    return Path(chosen)


def newFolder(title: str, name: str) -> Path | None:
    """Ask for a folder that does not exist yet; None if the user cancels.

    Args:
        title: of the dialog.
        name: proposed name.
    """
    return saveFile(title, name, "", ())


def openFiles(title: str, filters: str) -> list[Path]:
    """Ask for existing files; empty if the user cancels."""
    chosen = qt.QFileDialog.getOpenFileNames(slicer.util.mainWindow(), title, str(folder()), filters)
    paths = [Path(path) for path in chosen]
    if paths:
        _remember(paths[0].parent)
    return paths


def openFile(title: str, filters: str) -> Path | None:
    """Ask for an existing file; None if the user cancels."""
    chosen = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, str(folder()), filters)
    if not chosen:
        return None
    _remember(Path(chosen).parent)
    return Path(chosen)


def folder() -> Path:
    """The folder of the last file, else the user's documents; never Slicer's own folder."""
    last = slicer.app.userSettings().value(_FOLDER)
    if last and Path(last).is_dir():
        return Path(last)
    documents = qt.QStandardPaths.writableLocation(qt.QStandardPaths.DocumentsLocation)
    return Path(documents) if documents and Path(documents).is_dir() else Path.home()


def _remember(used: Path) -> None:
    slicer.app.userSettings().setValue(_FOLDER, str(used))
