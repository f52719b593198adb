from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.InputError import InputError


class ContourSaver:
    """Writes the current contours to a new file: in the format of their source file, or as a sequence.

    Args:
        contours: to be written.
    """

    SEQUENCE = ".seq.nrrd"
    #: Formats that LaMoDCore.io.files.rewrite writes with the source file's header.
    SUFFIXES = (SEQUENCE, ".nii.gz", ".nii", ".nrrd")

    def __init__(self, contours: ContourSlices) -> None:
        self._contours = contours

    def source(self) -> Path | None:
        """The file of the masks if its format can be written, else None."""
        sequence = self._contours.source.sequence.sequenceNode
        for node in (sequence, self._contours.masksNode):
            storage = node.GetStorageNode() if node is not None else None
            named = node.GetAttribute(MaskLoader.FILE) if node is not None else None
            path = named or (storage.GetFileName() if storage is not None else None)
            if path and Path(path).exists() and self.suffixOf(Path(path)) is not None:
                return Path(path)
        return None

    def proposal(self) -> Path:
        """Suggest a new file: next to the source, in its format; never an existing one."""
        source = self.source()
        if source is None:
            name = "".join(c if c.isalnum() or c in "-_ " else "_" for c in self._contours.masksNode.GetName())
            folder, stem, suffix = Path.home(), name or "contours", self.SEQUENCE
        else:
            suffix = self.suffixOf(source)
            folder, stem = source.parent, source.name.removesuffix(suffix)
        names = (folder / f"{stem}_repaired{number}{suffix}" for number in ("", *range(2, 1000)))
        return next(path for path in names if not path.exists())

    def save(self, target: Path) -> str:
        """Write the contours; returns a sentence about the format.

        Raises:
            InputError: the target exists, or its format cannot be written.
        """
        from LaMoDCore.runtime.errors import LaMoDInputError

        source = self.source()
        try:
            isLike = source is not None and self.suffixOf(source) == self.suffixOf(target) and self._isLabelmap()
            # the source file's header would keep the status before the review of automatic contours
            if isLike and not self._contours.frames.origins:
                self._writeLike(source, target)
                return _("Saved as “{name}”, in the format of the source file, which is unchanged.").format(
                    name=target.name
                )
            self._writeSequence(target)
        except LaMoDInputError as error:
            raise InputError(str(error).replace(str(target), target.name)) from error
        except OSError as error:
            raise InputError(
                _("The file cannot be written ({error}): choose another folder.").format(error=error.strerror)
            ) from error
        return _("Saved as “{name}”: 1 right ventricle, 2 myocardium, 3 cavity.").format(name=target.name)

    def _isLabelmap(self) -> bool:
        return not self._contours.source.isSegmentation

    @classmethod
    def suffixOf(cls, path: Path) -> str | None:
        """The suffix of a format that can be written; empty for a folder, else None."""
        if path.is_dir():
            return ""
        return next((suffix for suffix in cls.SUFFIXES if path.name.lower().endswith(suffix)), None)

    def _writeLike(self, source: Path, target: Path) -> None:
        from LaMoDCore.io.files.image_file import read_images
        from LaMoDCore.io.files.rewrite import write_like

        labels = np.stack([slicer.util.arrayFromVolume(node) for node in self._contours.source.sequence.frames()])
        stacks = read_images(source)
        if len(stacks) != 1 or stacks[0].frames.shape != labels.shape:
            text = _("“{name}” has other frames or pixels than the scene: save as {suffix}.")
            raise InputError(text.format(name=source.name, suffix=self.SEQUENCE))
        write_like(source, target, labels)

    def _writeSequence(self, target: Path) -> None:
        if target.exists():
            raise InputError(_("“{name}” exists already: choose a new name.").format(name=target.name))
        if self.suffixOf(target) != self.SEQUENCE:
            raise InputError(_("Choose a file name that ends in {suffix}.").format(suffix=self.SEQUENCE))
        self._contours.frames.write(target)
