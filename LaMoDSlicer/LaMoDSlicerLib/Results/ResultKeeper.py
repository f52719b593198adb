from dataclasses import replace
from typing import Any

import slicer

from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Reading.ReadingBuilder import ReadingBuilder
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultScene import ResultScene


class ResultKeeper:
    """Keeps a new result's numbers in the scene, and an earlier result where that is asked for."""

    #: Attribute of the parameter node: set where a second prediction is added to the first.
    ADD = "LaMoD.AddResults"

    @classmethod
    def placeFor(cls, request: PredictionRequest, parameterNode: Any) -> PredictionRequest:
        """The request itself; or, where an earlier result on its cine is to stay, one with a browser of its own."""
        cine = slicer.mrmlScene.GetNodeByID(request.cineNodeId) if request.cineNodeId else None
        earlier = ReadingNode.ofBrowser(cine)
        if earlier is None or not parameterNode.GetAttribute(cls.ADD):
            return request
        return replace(request, cineNodeId=None, name=slicer.mrmlScene.GenerateUniqueName(request.name))

    @staticmethod
    def keep(result: ResultFiles, scene: ResultScene, name: str) -> ReadingNode | None:
        """Put the numbers beside the pictures; None where the result's files hold none."""
        try:
            reading = ReadingBuilder(result).build()
        except (OSError, KeyError, ValueError):
            return None
        node = ReadingNode.create(reading, [scene.browserNode] * len(reading.slices), name)
        ResultProvenance(node).keep()
        return node
