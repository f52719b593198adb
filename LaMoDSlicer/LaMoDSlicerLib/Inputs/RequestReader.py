from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Prediction.PredictionOptions import PredictionOptions
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Scene.CineSource import CineSource


class RequestReader:
    """Reads a prediction's inputs out of the scene, or says what is missing or wrong.

    Args:
        parameters: the ParameterNode.
    """

    #: Fewer frames cannot carry a cardiac cycle.
    MIN_FRAMES = 8

    def __init__(self, parameters: Any) -> None:
        self._parameters = parameters

    def structures(self) -> dict[str, str]:
        """Which segment or label is which structure; the person's choice of the myocardium weighs more."""
        if self._parameters.masks is None:
            return {}
        source = MaskSource(self._parameters.masks)
        found = source.structures()
        chosen = self._parameters.myocardium
        if chosen and chosen in source.choices():
            found = {structure: choice for structure, choice in found.items() if choice != chosen}
            found["myocardium"] = chosen
        return found

    def check(self) -> None:
        """What can be told without reading every frame.

        Raises:
            InputError: what is missing or wrong.
        """
        p = self._parameters
        if p.masks is None:
            raise InputError(
                _("Choose the myocardium masks: a segmentation or labelmap for every frame, or “Load masks…”.")
            )
        frames = MaskSource(p.masks).numberOfFrames()
        if frames < self.MIN_FRAMES:
            text = _(
                "“{name}” has {frames} frame(s) and at least {least} are needed: choose masks of the whole cycle, "
                "not of a single picture."
            )
            raise InputError(text.format(name=p.masks.GetName(), frames=frames, least=self.MIN_FRAMES))
        if p.cine is not None:
            cine = CineSource(p.cine)
            cine.check()
            if cine.numberOfFrames() != frames:
                text = _(
                    "The cine has {cine} frames and the masks have {masks}: choose masks of this cine, or “None” as "
                    "cine to predict from the masks alone."
                )
                raise InputError(text.format(cine=cine.numberOfFrames(), masks=frames))
        if "myocardium" not in self.structures():
            text = _("Choose which segment of “{name}” is the myocardium: its names and shapes do not tell.")
            raise InputError(text.format(name=p.masks.GetName()))

    def read(self) -> PredictionRequest:
        """Raises:
        InputError: as `check`, or a frame without myocardium.
        """
        self.check()
        p = self._parameters
        cine = CineSource(p.cine) if p.cine is not None else None
        reference = cine.geometry() if cine is not None else None
        masks = MaskSource(p.masks).read(self.structures(), reference, cine.timesMs() if cine is not None else None)
        name = (p.cine if cine is not None else p.masks).GetName()
        return PredictionRequest(
            masks=masks,
            cine=cine.frames().astype(np.float32) if cine is not None else None,
            level=p.level,
            options=PredictionOptions.ofParameters(p),
            cineNodeId=p.cine.GetID() if cine is not None else None,
            name=name,
        )
