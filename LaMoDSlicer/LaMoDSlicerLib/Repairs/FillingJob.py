from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.ContourStudy import SUCCESS_CODES
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Worker import CoreLibrary, Dependencies
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess, withoutFolder

_FILE = "contours.seq.nrrd"


class FillingJob:
    """Fills missing frames between drawn ones by `lamod check --fix missing`, in a process of its own.

    The registration of the frames takes seconds and needs PyTorch, which Slicer itself does not load.

    Args:
        contours: the contours as drawn; the scene does not change.
        onDone: called with the filled slices, LaMoDCore CineSlice objects.
        onError: called with a sentence for the user.
    """

    def __init__(
        self, contours: ContourSlices, onDone: Callable[[list[Any]], None], onError: Callable[[str], None]
    ) -> None:
        self._contours, self._onDone, self._onError = contours, onDone, onError
        self._worker: WorkerProcess | None = None

    @staticmethod
    def hasWork(slices: list[Any]) -> bool:
        """Whether a slice has empty frames that can be filled: short gaps between drawn frames."""
        from LaMoDCore.contours.missing_frames import gaps_to_fill

        return any(gaps_to_fill(slice_.myocardium.any(axis=(1, 2))) for slice_ in slices)

    @property
    def isMeasured(self) -> bool:
        """Whether the job reports how much of it is done."""
        return False

    def start(self) -> None:
        """Start the process and return at once.

        Raises:
            InputError: packages are missing and their installation was declined or failed.
            OSError: the process cannot be started.
        """
        Dependencies.ensure()
        self._worker = worker = WorkerProcess(
            lambda _progress: None,
            lambda _lines: self._onDone(self._read(worker.folder)),
            self._onError,
            SUCCESS_CODES,
            lambda code, output: self._explain(code, output, worker.folder),
        )
        try:
            worker.start(self.commandLine(worker.folder))
        except BaseException:
            worker.removeFolder()
            raise

    def commandLine(self, folder: Path) -> list[str]:
        """Write the contours to a folder; returns the command that fills them."""
        frames = self._contours.frames
        frames.write(folder / _FILE)
        arguments = ["check", str(folder / _FILE), "--out", str(folder / "result"), "--fix", "missing"]
        return CoreLibrary.command([*arguments, "--labels", frames.labelOption])

    def cancel(self) -> None:
        """End the process without a result."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    def _read(self, folder: Path) -> list[Any]:
        """The filled slices; an error is reported by the worker."""
        from LaMoDCore.contours.repair import with_masks
        from LaMoDCore.io.files.image_file import read_images

        (stack,) = read_images(folder / "result" / f"repaired_{_FILE}")
        wall = np.rint(stack.frames) == MaskFrames.MYOCARDIUM
        depths, slices = self._contours.depths, self._contours.slices()
        return [with_masks(slice_, wall[:, depth]) for depth, slice_ in zip(depths, slices, strict=True)]

    @staticmethod
    def _explain(exitCode: int, lastOutput: str, folder: Path) -> str:
        if exitCode == 1 and lastOutput:
            return withoutFolder(lastOutput, folder).replace(_FILE, _("The masks"))
        text = _("Filling missing frames failed (exit code {code}): {output}. The contours are unchanged.")
        return text.format(code=exitCode, output=lastOutput.rstrip(".") or _("no message"))
