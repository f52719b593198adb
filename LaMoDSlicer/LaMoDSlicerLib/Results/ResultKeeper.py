"""Adds the numbers of a new result to the scene and decides whether it replaces an earlier one."""

from dataclasses import replace
from typing import Any

import slicer

from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultScene import ResultScene

#: Attribute of the parameter node; set if a new prediction is added to earlier ones instead of replacing them.
ADD = "LaMoD.AddResults"


def placeFor(request: PredictionRequest, parameterNode: Any) -> PredictionRequest:
    """The request; with its own browser and name if an earlier result on its cine is kept."""
    cine = slicer.mrmlScene.GetNodeByID(request.cineNodeId) if request.cineNodeId else None
    earlier = ResultNode.ofBrowser(cine)
    if earlier is None or not parameterNode.GetAttribute(ADD):
        return request
    return replace(request, cineNodeId=None, name=slicer.mrmlScene.GenerateUniqueName(request.name))


def keep(result: Any, scene: ResultScene, request: PredictionRequest) -> ResultNode:
    """Add the numbers of a LaMoDCore StoredResult, and the subject hierarchy's folder, for a result in the scene."""
    numbers = ResultNumbers.ofResult(result)
    node = ResultNode.create(numbers, [scene.browserNode] * len(numbers.slices), request.name)
    ResultContours.keep(node, [request])
    ResultProvenance(node).keep()
    return node
