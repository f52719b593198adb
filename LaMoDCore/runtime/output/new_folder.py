"""Output folders that are replaced as a whole, such as a result.

An existing folder is refused if it has no marker, holds anything that the marker does not list, or a file in it was
changed since. So LaMoD replaces its own unchanged output, and nothing else.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from LaMoDCore.runtime.atomic import (
    MARKER,
    created_parents,
    remove_folder,
    remove_leftovers,
    replaced_file,
    replaced_folder,
)
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_names import check_path_length
from LaMoDCore.runtime.output.manifest import (
    DESKTOP_FILES,
    Manifest,
    everything_in,
    is_as_listed,
    is_link,
    names_in,
    read_manifest,
    seal,
)

_WRITABLE = "name a folder that you can write to"
_NEW_FOLDER = "name a new folder"
#: Length of the longest path inside an output folder while it is written, such as
#: .NAME.tmp-PID-RANDOM/new/displacement/frame_000.nrrd.
_LONGEST_INSIDE = 110


def check_new_folder(out: str | Path, contents: str, inputs: Iterable[str | Path] = ()) -> Path:
    """Check that `out` may be created or replaced; call it before the work starts.

    Also restores or removes what killed processes left next to it.

    Args:
        out: the folder to write.
        contents: what the writer writes, such as "a LaMoD result". An existing folder is replaced only if its marker
            names the same contents and lists every file in it with its present SHA-256.
        inputs: files and folders that the command reads; none of them may be `out` or lie in it.

    Returns:
        The absolute path with symbolic links resolved.

    Raises:
        LaMoDInputError: `out` is a file, holds files that LaMoD did not write or that were changed, is read-only or
            in a read-only folder, or contains an input.
    """
    path = check_location(out)
    refuse_input_inside(out, inputs)
    remove_leftovers(path.parent)
    if path.is_dir():
        remove_leftovers(path)
        _refuse_foreign(out, path, contents)
        _refuse_special(out, path)
    check_writable(out, path)
    return path


@contextmanager
def new_folder(out: str | Path, contents: str, command: str, inputs: Iterable[str | Path] = ()) -> Iterator[Path]:
    """Yield a temporary folder next to `out`; it becomes `out`, with a marker, when the block ends without exception.

    After an exception, including Ctrl-C, `out` is unchanged and no temporary files remain. Takes the arguments
    and raises the errors of `check_new_folder`; an OSError in the block, such as a full disk, is raised as a
    LaMoDInputError.

    Args:
        command: the command or function that writes, for the marker.
    """
    path = check_new_folder(out, contents, inputs)
    try:
        with created_parents(path), replaced_folder(path) as temporary:
            yield temporary
            seal(temporary, contents, command)
            if path.exists():
                _refuse_foreign(out, path, contents)  # again, as somebody may have saved a file in it meanwhile
                _keep_desktop_files(path, temporary)
    except OSError as error:
        raise unwritable(out, error) from error


def remove_output(folder: Path, contents: str) -> bool:
    """Delete a folder that `new_folder` wrote, if nobody has changed it or added to it; returns whether it is gone."""
    if not os.path.lexists(folder):
        return True
    if is_link(folder) or _foreign(folder, contents):
        return False
    try:
        remove_folder(folder)
    except OSError:
        return False
    return True


def refuse_input_inside(out: str | Path, inputs: Iterable[str | Path]) -> None:
    """Check that no input is the output folder or lies in it.

    Raises:
        LaMoDInputError: an input is inside; replacing the folder would delete it.
    """
    folder = real_path(out)
    for path in inputs:
        real = real_path(path)
        if real == folder or folder in real.parents:
            raise LaMoDInputError(
                out, f"the input {Path(path).name} lies in it and would be deleted", "name another folder"
            )


def write_new_file(path: Path, data: bytes) -> None:
    """Write a file that the user names, in one step; a file that exists is kept.

    Raises:
        LaMoDInputError: another file of this name exists, or it cannot be written.
    """
    try:
        if os.path.lexists(path):
            if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
                return
            raise LaMoDInputError(path, "it exists already", "name a new file, or delete this one first")
        with replaced_file(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(out: str | Path, error: OSError) -> LaMoDInputError:
    """The error for an output that cannot be written."""
    remedy = "free some space or name a folder on another disk" if is_full_disk(error) else _WRITABLE
    return LaMoDInputError(out, f"it cannot be written ({error.strerror or error})", remedy)


def is_full_disk(error: Exception) -> bool:
    """Whether an error is a full disk or an exhausted quota."""
    full = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return isinstance(error, OSError) and error.errno in full


def real_path(path: str | Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # a ValueError for a null character
        raise LaMoDInputError(path, f"it is not a valid path ({error})", "name another folder") from error


def check_location(out: str | Path) -> Path:
    path = real_path(out)
    if os.path.lexists(path) and not path.is_dir():
        raise LaMoDInputError(out, "it exists and is not a folder", _NEW_FOLDER)
    check_path_length(path, _LONGEST_INSIDE)
    return path


def check_writable(out: str | Path, path: Path) -> None:
    for folder in (path, _first_existing(path.parent)):
        if folder.exists() and not _writable(folder):
            raise LaMoDInputError(out, f"the folder '{folder.name or folder}' is read-only", _WRITABLE)
        if folder.exists() and not folder.is_dir():
            raise LaMoDInputError(out, f"'{folder.name}' in its path is not a folder", "choose another location")


def _first_existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _writable(folder: Path) -> bool:
    # A folder without any write bit is read-only even for root, for whom os.access always returns True.
    return os.access(folder, os.W_OK) and bool(folder.stat().st_mode & 0o222)


def _refuse_special(out: str | Path, path: Path) -> None:
    """A folder that is replaced is renamed, which no system does with a mount point, and Windows not with its own."""
    if path.is_mount() or path == path.parent:
        raise LaMoDInputError(out, "it is the root of a disk or of a mounted folder", "name a folder inside it")
    current = Path(os.path.realpath(os.getcwd()))
    if path == current or path in current.parents:
        raise LaMoDInputError(
            out, "it is the current folder or contains it, so that it cannot be replaced", "name a folder inside it"
        )


def _refuse_foreign(out: str | Path, path: Path, contents: str) -> None:
    if fault := _foreign(path, contents, out):
        raise fault


def _foreign(path: Path, contents: str, out: str | Path | None = None) -> LaMoDInputError | None:
    """Why a folder may not be replaced; None if LaMoD wrote everything in it, or it is empty."""
    out = path if out is None else out
    if not names_in(path):
        return None
    manifest = read_manifest(path)
    if manifest is None:
        return unmarked(out, path)
    if manifest.contents != contents:
        return other_contents(out, manifest, contents)
    return next(_strangers(path, manifest, out), None)


def _strangers(path: Path, manifest: Manifest, out: str | Path) -> Iterator[LaMoDInputError]:
    """An error for everything in a folder that the marker does not list, and for every changed file."""
    listed = {*manifest.files, MARKER}
    folders = {parent.as_posix() for name in listed for parent in Path(name).parents}
    for name in everything_in(path):
        inside = path / name
        if name in listed:
            if name != MARKER and not is_as_listed(inside, manifest.files[name]):
                yield LaMoDInputError(out, f"'{name}' in it was changed since LaMoD wrote it", _NEW_FOLDER)
        elif name not in folders or is_link(inside) or not inside.is_dir():
            yield LaMoDInputError(out, f"it holds '{name}', which LaMoD did not write", _NEW_FOLDER)


def unmarked(out: str | Path, path: Path) -> LaMoDInputError:
    """The error for a folder with files, without a marker."""
    first = next((name for name in sorted(names_in(path)) if name != MARKER), MARKER)
    return LaMoDInputError(
        out, f"it holds '{first}', and no valid {MARKER} of this version shows that LaMoD wrote it", _NEW_FOLDER
    )


def other_contents(out: str | Path, found: Manifest, contents: str) -> LaMoDInputError:
    return LaMoDInputError(out, f"the folder holds {found.contents}, not {contents}", _NEW_FOLDER)


def _keep_desktop_files(source: Path, target: Path) -> None:
    """Copy the desktop's files, and the permissions, of a folder that is about to be replaced."""
    shutil.copymode(source, target)
    for folder in (source, *(source / name for name in everything_in(source) if (source / name).is_dir())):
        copy = target / folder.relative_to(source)
        for name in DESKTOP_FILES:
            if copy.is_dir() and (folder / name).is_file():
                with suppress(OSError):  # a desktop may lock its own file; it will write it again
                    shutil.copy2(folder / name, copy / name)
