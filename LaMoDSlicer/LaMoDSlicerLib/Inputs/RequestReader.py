from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions, PredictionRequest
from LaMoDSlicerLib.Scene.CineSource import CineSource, refuseTransform


class RequestReader:
    """Reads the inputs of a prediction from the scene and validates them.

    Args:
        parameters: the ParameterNode.
    """

    def __init__(self, parameters: Any) -> None:
        self._parameters = parameters

    def structures(self) -> dict[str, str]:
        """Structure -> segment ID or label; the user's choice of the myocardium takes precedence."""
        if self._parameters.masks is None:
            return {}
        return MaskSource(self._parameters.masks).structuresWith(self._parameters.myocardium)

    def check(self) -> None:
        """Validate everything that does not require reading all frames.

        Raises:
            InputError: an input is missing or cannot be used.
        """
        from LaMoDCore.heart.case import MIN_FRAMES

        p = self._parameters
        if p.masks is None:
            raise InputError(
                _("Select the myocardium masks: a segmentation or labelmap for every frame, or press “Add…”.")
            )
        refuseTransform(p.masks)
        frames = MaskSource(p.masks).numberOfFrames()
        if frames < MIN_FRAMES:
            text = _(
                "“{name}” has {frames} frame(s) and at least {least} are needed: select masks of the whole cycle, "
                "not of a single image."
            )
            raise InputError(text.format(name=p.masks.GetName(), frames=frames, least=MIN_FRAMES))
        if p.cine is not None:
            cine = CineSource(p.cine)
            cine.check()
            if cine.numberOfFrames() != frames:
                text = _(
                    "The cine has {cine} frames and the masks have {masks}: select masks of this cine, or “None” as "
                    "the cine to predict from the masks alone."
                )
                raise InputError(text.format(cine=cine.numberOfFrames(), masks=frames))
        if "myocardium" not in self.structures():
            text = _("Select the myocardium of “{name}”: it cannot be identified by name or shape.")
            raise InputError(text.format(name=p.masks.GetName()))

    def read(self) -> PredictionRequest:
        """Read all inputs.

        Raises:
            InputError: as `check`, or a frame has no myocardium.
        """
        self.check()
        p = self._parameters
        cine = CineSource(p.cine) if p.cine is not None else None
        reference = cine.geometry() if cine is not None else None
        structures = self.structures()
        masks = MaskSource(p.masks).read(structures, reference, cine.timesMs() if cine is not None else None)
        if cine is not None and cine.rrMs is not None:
            masks = replace(masks, rrMs=cine.rrMs)
        name = (p.cine if cine is not None else p.masks).GetName()
        return PredictionRequest(
            masks=masks,
            cine=cine.frames().astype(np.float32) if cine is not None else None,
            level=p.level,
            options=PredictionOptions.ofParameters(p),
            cineNodeId=p.cine.GetID() if cine is not None else None,
            name=name,
            masksNodeId=p.masks.GetID(),
            structures=structures,
            fingerprint=ContourFingerprint.of(p.masks),
        )
