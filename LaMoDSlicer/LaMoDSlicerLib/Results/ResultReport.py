from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


class ResultReport:
    """The one-page report of a result in the scene, the same as `lamod predict` draws.

    It is made of what the scene holds, so also of a scene that was saved and loaded: strain is computed anew from the
    motion, the numbers are those that were kept.

    Args:
        node: the result.
    """

    def __init__(self, node: ReadingNode) -> None:
        self._node = node

    def write(self, path: Path, identity: dict[str, str]) -> None:
        """Draw the page.

        Args:
            path: .pdf or .png.
            identity: written on the page; empty for none.

        Raises:
            InputError: the scene does not hold the motion, or PyTorch is missing.
        """
        try:
            from LaMoDCore.report.page import draw_page
            from LaMoDCore.report.style import page_style

            result = self.strainResult()
        except ImportError as error:
            text = _("The report needs a Python package that is missing ({name}): press Predict Strain to be asked.")
            raise InputError(text.format(name=error.name)) from error
        bare = (
            {"Software": None} if path.suffix == ".png" else {"Creator": None, "Producer": None, "CreationDate": None}
        )
        with page_style():
            page = draw_page(result)
            if identity:
                page.text(0.5, 0.977, "   ".join(identity.values()), fontsize=8, ha="center")
            page.savefig(path, dpi=150, metadata=bare)

    def strainResult(self) -> Any:
        """The scene's result as a LaMoDCore StrainResult.

        Raises:
            InputError: the scene does not hold the motion.
        """
        from LaMoDCore.heart.case import Case, InputRecord, Motion, SliceMotion, StrainResult
        from LaMoDCore.heart.notes import Note
        from LaMoDCore.strain.analysis import slice_strain

        reading = self._node.reading()
        known = not any("RV insertion" in str(note) for note in reading.summary.get("quality", []))
        cines, motions, strains = [], [], []
        for k, browser in enumerate(self._node.browsers()):
            cine, displacement = self._slice(reading, k, browser)
            motion = SliceMotion(displacement)
            given = reading.slices[k]
            strain = slice_strain(cine, motion, reading.referenceFrame, given.insertionLps)
            cines.append(cine)
            motions.append(motion)
            kept = {"segment_curves": given.curves, "global_curves": given.mean, "segment_curves_std": given.spread}
            strains.append(replace(strain, **kept))
        provenance = reading.summary.get("provenance", {})
        case = Case(
            tuple(cines),
            reading.referenceFrame,
            reading.slices[0].insertionLps if known else None,
            inputs=tuple(InputRecord(r["name"], r["sha256"]) for r in provenance.get("inputs", [])),
            notes=tuple(Note.from_dict(note) for note in reading.summary.get("notes", [])),
        )
        return StrainResult(
            case, Motion(tuple(motions), provenance), tuple(strains), reading.endSystole, reading.summary
        )

    def _slice(self, reading: Reading, k: int, browser: Any) -> tuple[Any, np.ndarray]:
        """(CineSlice, displacement [T, 2, H, W]) of one slice."""
        from LaMoDCore.heart.case import CineSlice
        from LaMoDCore.heart.geometry import SliceGrid

        scene = ResultScene(browser) if browser is not None else None
        motion = scene.motion if scene is not None else None
        if motion is None:
            raise InputError(_("The scene does not hold the motion of slice {k}: predict again.").format(k=k + 1))
        given = reading.slices[k]
        index = int(np.argmin([np.abs(a - given.ijkToLps).max() for a in motion.ijkToLps]))
        wall = motion.myocardium[index]
        grid = SliceGrid(wall.shape, motion.ijkToLps[index])
        frames = len(given.timesMs)
        cine = CineSlice(
            name=given.label,
            grid=grid,
            myocardium=np.repeat(wall[None], frames, axis=0),
            frame_times_ms=given.timesMs,
            rr_ms=given.rrMs,
            level=given.level,
            cine=self._pictures(scene, grid, frames),
        )
        return cine, motion.displacementMm[index].astype(np.float32)

    @staticmethod
    def _pictures(scene: ResultScene, grid: Any, frames: int) -> np.ndarray | None:
        """[T, H, W] of the cine in this plane; None where only masks are shown."""
        background = scene.background()
        if background is None or background.GetName().endswith("masks"):
            return None
        try:
            index = VolumeGeometry.ofVolume(background).sliceIndexOf(grid.ijk_to_lps)
        except ValueError:
            return None
        pictures = [slicer.util.arrayFromVolume(frame)[index] for frame in FrameSequence(background).frames()]
        return np.stack(pictures).astype(np.float32) if len(pictures) == frames else None
