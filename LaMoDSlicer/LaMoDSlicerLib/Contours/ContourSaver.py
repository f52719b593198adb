from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskLoader import MaskLoader
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class ContourSaver:
    """Writes the contours as they are now to a new file: like the file they came from, or as a sequence.

    Args:
        contours: the contours.
    """

    SEQUENCE = ".seq.nrrd"
    #: Files that are written back with their header, as LaMoDCore.io.files.rewrite does.
    SUFFIXES = (SEQUENCE, ".nii.gz", ".nii", ".nrrd")

    def __init__(self, contours: ContourSlices) -> None:
        self._contours = contours

    def source(self) -> Path | None:
        """The file that the masks came from and that can be written alike, or None."""
        sequence = self._contours.source.sequence.sequenceNode
        for node in (sequence, self._contours.masksNode):
            storage = node.GetStorageNode() if node is not None else None
            named = node.GetAttribute(MaskLoader.FILE) if node is not None else None
            path = named or (storage.GetFileName() if storage is not None else None)
            if path and Path(path).exists() and self._suffix(Path(path)) is not None:
                return Path(path)
        return None

    def proposal(self) -> Path:
        """A new name: beside the source, of its kind; never one that is there."""
        source = self.source()
        if source is None:
            name = "".join(c if c.isalnum() or c in "-_ " else "_" for c in self._contours.masksNode.GetName())
            folder, stem, suffix = Path.home(), name or "contours", self.SEQUENCE
        else:
            suffix = self._suffix(source)
            folder, stem = source.parent, source.name.removesuffix(suffix)
        names = (folder / f"{stem}_mended{number}{suffix}" for number in ("", *range(2, 1000)))
        return next(path for path in names if not path.exists())

    def save(self, target: Path) -> str:
        """Write them; returns a sentence that says how.

        Raises:
            InputError: the target is there already, or is of a kind that cannot be written.
        """
        CoreLibrary.makeImportable()
        from LaMoDCore.runtime.errors import LaMoDInputError

        source = self.source()
        try:
            if source is not None and self._suffix(source) == self._suffix(target) and self._isLabelmap():
                self._writeLike(source, target)
                return _("Saved as “{name}”, like the file they came from, which is as it was.").format(
                    name=target.name
                )
            self._writeSequence(target)
        except LaMoDInputError as error:
            raise InputError(str(error).replace(str(target), target.name)) from error
        except OSError as error:
            raise InputError(_("It cannot be written ({error}).").format(error=error.strerror)) from error
        return _("Saved as “{name}”: 1 right ventricle, 2 myocardium, 3 cavity.").format(name=target.name)

    def _isLabelmap(self) -> bool:
        return not self._contours.source.isSegmentation

    @classmethod
    def _suffix(cls, path: Path) -> str | None:
        """A folder's is empty; None for what is not written."""
        if path.is_dir():
            return ""
        return next((suffix for suffix in cls.SUFFIXES if path.name.lower().endswith(suffix)), None)

    def _writeLike(self, source: Path, target: Path) -> None:
        from LaMoDCore.io.files.image_file import read_images
        from LaMoDCore.io.files.rewrite import write_like

        labels = np.stack([slicer.util.arrayFromVolume(node) for node in self._contours.source.sequence.frames()])
        stacks = read_images(source)
        if len(stacks) != 1 or stacks[0].frames.shape != labels.shape:
            text = _("“{name}” holds other frames or pixels than the scene: save as {suffix}.")
            raise InputError(text.format(name=source.name, suffix=self.SEQUENCE))
        write_like(source, target, labels)

    def _writeSequence(self, target: Path) -> None:
        if target.exists():
            raise InputError(_("“{name}” is there already: choose a new name.").format(name=target.name))
        if self._suffix(target) != self.SEQUENCE:
            raise InputError(_("Name a file that ends in {suffix}.").format(suffix=self.SEQUENCE))
        self._contours.frames.write(target)
