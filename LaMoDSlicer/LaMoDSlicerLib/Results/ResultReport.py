from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import LongAxisReport
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultHeadline import outOfDate
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed


class ResultReport:
    """The one-page report of a result in the scene, the same as `lamod predict` draws.

    It needs only the scene, which may have been saved and loaded: the strain fields are computed from the stored
    motion, the numbers are the stored ones.

    Args:
        node: the result.
    """

    def __init__(self, node: ResultNode) -> None:
        self._node = node

    def write(self, path: Path, identity: dict[str, str]) -> None:
        """Draw the page; a PDF has a second one if the result has long-axis views.

        Args:
            path: .pdf or .png.
            identity: patient data for the page; empty for none.

        Raises:
            InputError: the scene does not contain the motion, or a package is missing and was not installed.
        """
        from LaMoDCore.report.style import page_style

        bare = (
            {"Software": None} if path.suffix == ".png" else {"Creator": None, "Producer": None, "CreationDate": None}
        )
        page, longAxis = self.draw(identity), LongAxisNode.ofResult(self._node.node)
        with page_style():
            if longAxis is None or path.suffix == ".png":
                page.savefig(path, dpi=150, metadata=bare)
                return
        from matplotlib.backends.backend_pdf import PdfPages

        with page_style(), PdfPages(path, metadata=bare) as document:
            function = self._node.numbers().summary.get("function")
            for each in (page, LongAxisReport.draw(longAxis, identity, function)):
                document.savefig(each, dpi=150)

    def draw(self, identity: dict[str, str]) -> Any:
        """The page as a Matplotlib figure, with the range of Ecc of the Display section; see `write`.

        It is marked if the result is out of date.
        """
        Dependencies.ensureOnly(Dependencies.FOR_PICTURES)
        from LaMoDCore.report.page import draw_page
        from LaMoDCore.report.parts import WARNING
        from LaMoDCore.report.style import page_style

        result = self.strainResult()
        with page_style():
            page = draw_page(result, ColourRanges.limits("ecc")[1])
            if ResultContours.isOutOfDate(self._node):
                text = f"↻ {outOfDate()}"
                page.text(0.97, 0.9195, text, fontsize=8.5, ha="right", fontweight="bold", color=WARNING)
            if identity:
                page.text(0.5, 0.977, "   ".join(identity.values()), fontsize=8, ha="center")
        return page

    def strainResult(self) -> Any:
        """The scene's result as a LaMoDCore StrainResult.

        Raises:
            InputError: the scene does not contain the motion.
        """
        return completed(self.strainResultSteps())

    def strainResultSteps(self) -> Steps:
        """`strainResult` in small steps."""
        from LaMoDCore.heart.case import Case, InputRecord, Motion, SliceMotion, StrainResult
        from LaMoDCore.io.results.strain_json import conventions_of
        from LaMoDCore.strain.analysis import slice_strain

        numbers = self._node.numbers()
        heartLps = self._heartInsertion(numbers)
        cines, motions, strains = [], [], []
        for k, browser in enumerate(self._node.browsers()):
            cine, displacement = self._slice(numbers, k, browser)
            if heartLps is None and np.isfinite(numbers.slices[k].rvInsertionLps).all():
                cine = replace(cine, rv_insertion_lps=numbers.slices[k].rvInsertionLps)
            motion = SliceMotion(displacement)
            given = numbers.slices[k]
            strain = yield lambda c=cine, m=motion: slice_strain(c, m, numbers.referenceFrame, heartLps)
            cines.append(cine)
            motions.append(motion)
            kept = {"segment_curves": given.curves, "global_curves": given.mean, "segment_curves_std": given.spread}
            kept |= {"segment_names": given.segmentNames, "segment_aha": given.aha}
            strains.append(replace(strain, **kept))
        provenance = numbers.summary.get("provenance", {})
        inputs = tuple(InputRecord(r["name"], r["sha256"]) for r in provenance.get("inputs", []))
        case = Case(tuple(cines), numbers.referenceFrame, heartLps, inputs=inputs, notes=numbers.notes)
        motion = Motion(tuple(motions), provenance)
        conventions = conventions_of(numbers.summary)
        return StrainResult(case, motion, tuple(strains), numbers.endSystole, numbers.summary, conventions=conventions)

    @staticmethod
    def _heartInsertion(numbers: ResultNumbers) -> np.ndarray | None:
        """[3]: the RV insertion point if all slices have the same one, else None."""
        points = np.stack([slice_.rvInsertionLps for slice_ in numbers.slices])
        return points[0] if np.isfinite(points).all() and (points == points[0]).all() else None

    def _slice(self, numbers: ResultNumbers, k: int, browser: Any) -> tuple[Any, np.ndarray]:
        """(CineSlice, displacement [T, 2, H, W]) of one slice."""
        from LaMoDCore.heart.case import CineSlice
        from LaMoDCore.heart.geometry import SliceGrid

        scene = ResultScene(browser) if browser is not None else None
        motion = scene.motion if scene is not None else None
        if motion is None:
            raise InputError(_("The scene does not contain the motion of slice {k}: predict again.").format(k=k + 1))
        given = numbers.slices[k]
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
            cine=self._images(scene, grid, frames),
        )
        return cine, motion.displacementMm[index].astype(np.float32)

    @staticmethod
    def _images(scene: ResultScene, grid: Any, frames: int) -> np.ndarray | None:
        """[T, H, W] of the cine in this plane; None if only masks are shown."""
        background = scene.background()
        if background is None or background.GetName().endswith("masks"):
            return None
        try:
            index = VolumeGeometry.ofVolume(background).sliceIndexOf(grid.ijk_to_lps)
        except ValueError:
            return None
        images = [slicer.util.arrayFromVolume(frame)[index] for frame in FrameSequence(background).frames()]
        return np.stack(images).astype(np.float32) if len(images) == frames else None
