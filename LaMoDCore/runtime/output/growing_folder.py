"""Output folders that grow, such as a dataset, a training run or the predictions of a cohort.

LaMoD adds files to such a folder and replaces its own unchanged ones, over several runs and from several processes.
Every other file in it stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from LaMoDCore.runtime.atomic import MARKER, remove_leftovers, replaced_file
from LaMoDCore.runtime.bounded_reads import sha256_of
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.file_lock import held_lock
from LaMoDCore.runtime.json_file import json_text, read_json, write_json
from LaMoDCore.runtime.output.manifest import LOCK, Manifest, is_as_listed, names_in, read_manifest
from LaMoDCore.runtime.output.new_folder import (
    check_location,
    check_writable,
    other_contents,
    real_path,
    unmarked,
    unwritable,
)


class GrowingFolder:
    """A folder that LaMoD extends, possibly over several runs and by several processes.

    Args:
        out: the folder.
        contents: what the folder is, such as "a LaMoD dataset".
        command: the command or function that creates the folder, for the marker.
    """

    def __init__(self, out: str | Path, contents: str, command: str) -> None:
        self.out, self.contents, self.command = out, contents, command
        self.path = real_path(out)

    def check(self) -> Path:
        """Check that the folder may be created or extended; returns its absolute path.

        A folder without the marker may hold other output folders of LaMoD, such as the cache of a training.

        Raises:
            LaMoDInputError: it is a file, is read-only, or has files but not the marker of such a folder.
        """
        path = check_location(self.out)
        remove_leftovers(path.parent)
        if path.is_dir():
            remove_leftovers(path)
            if (path / MARKER).exists() or not all(read_manifest(path / name) for name in names_in(path)):
                self._manifest()
        check_writable(self.out, path)
        return path

    def open(self) -> Path:
        """`check`, then create the folder and its marker if they do not exist.

        Raises:
            LaMoDInputError: see `check`, or the disk is full.
        """
        path = self.check()
        try:
            path.mkdir(parents=True, exist_ok=True)
            if not (path / MARKER).exists():
                self._write(Manifest(self.contents, self.command))
        except OSError as error:
            raise unwritable(self.out, error) from error
        return path

    def refuse_changed(self, *names: str) -> None:
        """Check that files about to be replaced are missing, or that LaMoD wrote them and nobody changed them.

        Args:
            names: paths relative to the folder, with "/".

        Raises:
            LaMoDInputError: a file was changed, or LaMoD did not write it.
        """
        files = self._manifest().files if os.path.lexists(self.path) and names_in(self.path) else {}
        for name in names:
            path = self.path / name
            if os.path.lexists(path) and (name not in files or not is_as_listed(path, files[name])):
                what = "was changed since LaMoD wrote it" if name in files else "was not written by LaMoD"
                raise LaMoDInputError(self.out, f"its file '{name}' {what}", "move it away or name another folder")

    def listed(self) -> frozenset[str]:
        """Files that the marker lists, whether they exist or not."""
        manifest = read_manifest(self.path)
        return frozenset() if manifest is None else frozenset(manifest.files)

    def owns(self, name: str) -> bool:
        """Whether LaMoD wrote a file and nobody changed it."""
        manifest = read_manifest(self.path)
        files = {} if manifest is None else manifest.files
        return name in files and is_as_listed(self.path / name, files[name])

    def write_text(self, name: str, text: str) -> None:
        """Replace one of LaMoD's own text files in one step; see `replaced_file`."""
        with self.replaced_file(name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")

    def write_json(self, name: str, content: Mapping[str, Any], **options: Any) -> None:
        """Replace one of LaMoD's own JSON files in one step; for `options` see `runtime.json_file.write_json`."""
        self.write_text(name, json_text(content, **options))

    @contextmanager
    def replaced_file(self, name: str) -> Iterator[Path]:
        """`runtime.atomic.replaced_file` for a file that the marker lists, or that does not exist yet.

        Raises:
            LaMoDInputError: it was changed, or LaMoD did not write it.
            OSError: it cannot be written.
        """
        with held_lock(self.path / LOCK):
            self.refuse_changed(name)
            with self._replaced_file(name) as temporary:
                yield temporary

    def edit_json(self, name: str, change: Callable[[dict[str, Any]], Mapping[str, Any]], **options: Any) -> None:
        """Replace a JSON file by a changed copy of its contents, whoever wrote them; {} if it does not exist.

        Other processes that call this wait, so that no change is lost.

        Raises:
            LaMoDInputError: the file cannot be read, or `change` raises it.
            OSError: it cannot be written.
        """
        with held_lock(self.path / LOCK):
            file = self.path / name
            before = read_json(file, "correct it, or write it again") if os.path.lexists(file) else {}
            text = json_text(change(before), **options)
            with self._replaced_file(name) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="")

    @contextmanager
    def _replaced_file(self, name: str) -> Iterator[Path]:
        path = self.path / name
        with replaced_file(path) as temporary:
            yield temporary
            digest = sha256_of(temporary)
            manifest = self._manifest()
            # A process that is killed before the file is renamed leaves the old file, so both digests are listed.
            before = f"{sha256_of(path)} " if path.is_file() else ""
            self._update(manifest, {name: f"{before}{digest}"})
        self._update(self._manifest(), {name: digest})

    def claim(self, *names: str) -> None:
        """List files that LaMoD writes again and again, such as a log, whatever they contain.

        Raises:
            LaMoDInputError: such a file exists, and the marker does not list it.
            OSError: the marker cannot be written.
        """
        with held_lock(self.path / LOCK):
            manifest = self._manifest()
            for name in names:
                if os.path.lexists(self.path / name) and name not in manifest.files:
                    raise LaMoDInputError(
                        self.out, f"its file '{name}' was not written by LaMoD", "move it away or name another folder"
                    )
            self._update(manifest, dict.fromkeys(names, ""))

    def record(self, *names: str) -> None:
        """List the present contents of claimed files, and forget those that do not exist.

        Raises:
            OSError: a file cannot be read, or the marker cannot be written.
        """
        with held_lock(self.path / LOCK):
            there = {name: sha256_of(self.path / name) for name in names if (self.path / name).is_file()}
            self._update(self._manifest(), there, without=names)

    def remove(self, name: str) -> bool:
        """Delete one of LaMoD's own files, unless somebody changed it; returns whether it is gone."""
        path = self.path / name
        if not os.path.lexists(path):
            return True
        with held_lock(self.path / LOCK):
            if not self.owns(name):
                return False
            path.unlink(missing_ok=True)
            self._update(self._manifest(), {}, without=(name,))
        return True

    def _manifest(self) -> Manifest:
        manifest = read_manifest(self.path)
        if manifest is None:
            raise unmarked(self.out, self.path)
        if manifest.contents != self.contents:
            raise other_contents(self.out, manifest, self.contents)
        return manifest

    def _update(self, manifest: Manifest, files: Mapping[str, str], without: Iterable[str] = ()) -> None:
        kept = {name: digest for name, digest in manifest.files.items() if name not in set(without)}
        if {**kept, **files} != manifest.files or not (self.path / MARKER).exists():
            self._write(replace(manifest, files={**kept, **files}))

    def _write(self, manifest: Manifest) -> None:
        write_json(self.path / MARKER, manifest.to_json(), indent=1)
