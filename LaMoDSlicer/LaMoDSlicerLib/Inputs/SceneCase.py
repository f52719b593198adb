from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskFrames import MaskFrames
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Results.MotionStore import MotionStore
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class SceneCase:
    """What the scene holds under Inputs, as a case of a dataset: masks, cine, and the shown motion where it is wanted.

    Args:
        parameters: the ParameterNode.
    """

    def __init__(self, parameters: Any) -> None:
        self._parameters = parameters

    def addTo(self, dataset: Path, subject: str, site: str, disease: str, level: str, withMotion: bool) -> str:
        """Write the case; returns its id.

        Args:
            dataset: the folder; made where it is not there.
            subject: a code, never a name.
            site, disease: free words.
            level: base, mid or apex.
            withMotion: write the motion of the shown result as the case's motion.

        Raises:
            InputError: something is missing or does not fit, or the dataset cannot be written to.
        """
        CoreLibrary.makeImportable()
        from LaMoDCore.io.dataset.collection import add_case
        from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry
        from LaMoDCore.runtime.errors import LaMoDInputError

        if not subject.strip():
            raise InputError(_("Give the subject a code: all cases of one person go into one split."))
        request = RequestReader(self._parameters).read()
        masks = request.masks.labels == MaskFrames.MYOCARDIUM
        if not masks.any(axis=(0, 2, 3)).all():
            raise InputError(_("A slice has no myocardium in any frame: take it out, or draw it."))
        times = np.asarray(request.masks.timesMs, np.float64)
        motion = self._motion(masks) if withMotion else {}
        case = DatasetCase(
            id=f"{subject.strip()}-{level}",
            masks=masks,
            ijk_to_lps=request.masks.geometry.ijkToLps,
            frame_times_ms=times,
            rr_ms=self._cycle(times),
            reference_frame=motion.pop("reference_frame", 0),
            level=level,
            disease=disease.strip(),
            rv_insertion_lps=request.options.rvInsertionLps,
            cine=request.cine,
            **motion,
        )
        entry = DatasetEntry(case.id, subject.strip(), site.strip(), "train", "cine", case.disease, level)
        try:
            return add_case(dataset, case, entry).id
        except (LaMoDInputError, ValueError) as error:
            raise InputError(str(error)) from error

    def _cycle(self, times: np.ndarray) -> float:
        """R–R in ms: as the result says, else the frames' number times their distance."""
        node = ReadingNode.ofBrowser(self._parameters.resultBrowser)
        if node is not None:
            return float(node.reading().slices[0].rrMs)
        return float(np.mean(np.diff(times)) * len(times))

    def _motion(self, masks: np.ndarray) -> dict[str, Any]:
        from LaMoDCore.heart.geometry import SliceGrid

        browser = self._parameters.resultBrowser
        node = ReadingNode.ofBrowser(browser)
        if browser is None or node is None:
            raise InputError(_("There is no result whose motion could be written: predict or load one, or untick it."))
        motion = MotionStore.load(browser)
        shape = (motion.numberOfFrames, *motion.myocardium.shape) if motion is not None else None
        if shape != masks.shape:
            raise InputError(_("The shown result is of other frames or another grid than the masks: choose its masks."))
        slices = []
        for k, affine in enumerate(motion.ijkToLps):
            grid = SliceGrid(motion.myocardium.shape[1:], affine)
            lps = grid.vectors_to_lps(np.moveaxis(motion.displacementMm[k], 1, -1))
            slices.append(np.where(motion.myocardium[k][None, ..., None], lps, np.nan))
        facts = ResultProvenance(node).facts()
        model = facts.get("model", _("a result in Slicer"))
        predicted = "model_sha256" in facts
        return {
            "displacement_mm": np.stack(slices, axis=1).astype(np.float32),
            "valid": np.broadcast_to(motion.myocardium, masks.shape).copy(),
            "reference_frame": node.reading().referenceFrame,
            "details": {"motion_source": f"predicted by {model}" if predicted else model},
        }
