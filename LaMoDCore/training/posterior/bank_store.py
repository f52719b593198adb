"""Slice banks of an unfinished run, kept in its folder so that a resumed run does not compute them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from LaMoDCore.runtime.output.new_folder import new_folder, remove_output
from LaMoDCore.training.posterior.slice_bank import SliceBank
from LaMoDCore.training.run.folder import RunFolder

_FOLDER = "prepared"
#: Contents of the folder of a bank, for its marker.
_CONTENTS = "prepared slices of a training run"

Bank = TypeVar("Bank", bound=SliceBank)


class BankStore:
    """Banks by name, under RUN/prepared/KEY/NAME with one .npy file per field.

    Args:
        run: the run's folder; nothing is stored if it does not write.
        identity: settings, data and initial weights of the run, as JSON. Banks of another identity are not found.
        resume: use the banks that are stored; without it they are deleted.
    """

    def __init__(self, run: RunFolder, identity: Mapping[str, Any], *, resume: bool) -> None:
        self._all = run.folder / _FOLDER if run.writes else None
        self._key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
        self._loaded: dict[str, SliceBank] = {}
        if not resume:
            self.clear()

    def get(self, name: str, kind: type[Bank], make: Callable[[], Bank]) -> Bank:
        """Return the bank of this name; it is computed and stored if it does not exist."""
        bank = self._loaded.get(name)
        if bank is None:
            bank = self._loaded[name] = self._read(name, kind) or self._made(name, make)
        assert isinstance(bank, kind)
        return bank

    def clear(self) -> None:
        """Delete all stored banks."""
        if self._all is None or not self._all.is_dir():
            return
        for bank in sorted(self._all.glob("*/*/")):
            remove_output(bank, _CONTENTS)
        for folder in (*self._all.iterdir(), self._all):
            with suppress(OSError):  # it is not empty: somebody else's files stay
                folder.rmdir()

    def _read(self, name: str, kind: type[Bank]) -> Bank | None:
        if self._all is None or not (folder := self._all / self._key / name).is_dir():
            return None
        return kind(**{field.name: np.load(folder / f"{field.name}.npy") for field in fields(kind)})

    def _made(self, name: str, make: Callable[[], Bank]) -> Bank:
        bank = make()
        if self._all is None:
            return bank
        folder: Path = self._all / self._key / name
        with new_folder(folder, _CONTENTS, "train-posterior") as fresh:
            for field in fields(bank):
                np.save(fresh / f"{field.name}.npy", getattr(bank, field.name))
        return bank
