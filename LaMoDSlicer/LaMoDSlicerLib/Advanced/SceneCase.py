from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results import MotionStore
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance


def _convention(request: PredictionRequest) -> str:
    """The chosen convention, otherwise that of the contour engine if it drew all slices: a prediction uses the same."""
    chosen, origins = request.options.contourConvention, request.masks.origins
    engines = {"auto" if origin is None else origin.convention for origin in origins}
    return engines.pop() if chosen == "auto" and len(engines) == 1 else chosen


class SceneCase:
    """The inputs in the scene as a case of a dataset: masks, cine, and optionally the motion of the displayed result.

    Args:
        parameters: the ParameterNode.
    """

    def __init__(self, parameters: Any) -> None:
        self._parameters = parameters

    def addTo(self, dataset: Path, subject: str, site: str, disease: str, level: str, withMotion: bool) -> str:
        """Write the case; returns its ID.

        Args:
            dataset: folder of the dataset; created if it does not exist.
            subject: pseudonym, not a name.
            site, disease: free text.
            level: base, mid or apex.
            withMotion: whether to add the motion of the displayed result.

        Raises:
            InputError: an input is missing or does not match, or the dataset cannot be written.
        """
        from LaMoDCore.io.dataset.collection import add_case
        from LaMoDCore.io.dataset.folder import DatasetCase, DatasetEntry
        from LaMoDCore.runtime.errors import LaMoDInputError

        if not subject.strip():
            raise InputError(_("Enter a code for the subject: all cases of one subject belong to one split."))
        request = RequestReader(self._parameters).read()
        masks = request.masks.labels == MaskFrames.MYOCARDIUM
        if not masks.any(axis=(0, 2, 3)).all():
            raise InputError(_("A slice has no myocardium in any frame: remove the slice, or draw it."))
        times = np.asarray(request.masks.timesMs, np.float64)
        motion = self._motion(masks) if withMotion else {}
        details = motion.pop("details", {})
        convention = _convention(request)
        if convention != "auto":
            details["contour_convention"] = convention
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
            details=details,
            **motion,
        )
        entry = DatasetEntry(case.id, subject.strip(), site.strip(), "train", "cine", case.disease, level)
        try:
            return add_case(dataset, case, entry).id
        except (LaMoDInputError, ValueError) as error:
            raise InputError(str(error)) from error

    def _cycle(self, times: np.ndarray) -> float:
        """R–R interval in ms: from the result, else number of frames × mean interval between frames."""
        node = ResultNode.ofBrowser(self._parameters.resultBrowser)
        if node is not None:
            return float(node.numbers().slices[0].rrMs)
        return float(np.mean(np.diff(times)) * len(times))

    def _motion(self, masks: np.ndarray) -> dict[str, Any]:
        from LaMoDCore.heart.geometry import SliceGrid

        browser = self._parameters.resultBrowser
        node = ResultNode.ofBrowser(browser)
        if browser is None or node is None:
            raise InputError(
                _("There is no result to take the motion from: predict or load one, or clear the check box.")
            )
        motion = MotionStore.load(browser)
        shape = (motion.numberOfFrames, *motion.myocardium.shape) if motion is not None else None
        if shape != masks.shape:
            raise InputError(
                _("The displayed result has other frames or another grid than the masks: select its masks.")
            )
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
            "reference_frame": node.numbers().referenceFrame,
            "details": {"motion_source": f"predicted by {model}" if predicted else model},
        }
