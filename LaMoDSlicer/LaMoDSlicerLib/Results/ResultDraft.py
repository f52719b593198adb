from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import slicer
import vtk

from LaMoDSlicerLib.Contours.ContourMeshes import CarriedContours, DrawnContours
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Display.WallSurface import WallSurface
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultRoles import CONTOURS, DRAWN, LINES, WALL
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Worker.SlicedWork import Steps


@dataclass(frozen=True, eq=False)
class ResultDraft:
    """The nodes of a result on one series, outside the scene.

    Attributes:
        builder: gives the index values of the sequences.
        motion: of the wall.
        endSystole: a frame index.
        sequences: one node per role.
    """

    builder: SequenceBuilder
    motion: MaterialMotion
    endSystole: int
    sequences: list[Any] = field(default_factory=list)

    @classmethod
    def steps(cls, result: ResultStack, request: PredictionRequest, fields: SpatialFields | None) -> Steps:
        """Make the nodes in small steps, without changing the scene; the result is a ResultDraft.

        Args:
            result: the slices.
            request: what they were predicted from.
            fields: those of the slices on the request's grid; None to compute them.

        Raises:
            ValueError: the result has other frames or another grid than the request.
        """
        frames = result.motion.numberOfFrames
        if frames != len(request.masks.labels):
            raise ValueError(f"the result has {frames} frames and the masks {len(request.masks.labels)}")
        fields = fields or (yield lambda: SpatialFields(result, request.masks.geometry))
        draft = cls(builderFor(request), result.motion, result.endSystole)
        builder, geometry, name = draft.builder, request.masks.geometry, request.name
        for quantity in fields.quantities:
            shown = yield lambda quantity=quantity: fields.of(quantity)
            title = f"{name} {quantity.shortName} ({quantity.unit})"
            draft.sequences.append((yield from builder.volumeSteps(title, quantity.value, shown, geometry)))
        wall = yield from WallSurface.steps(result.motion, (yield fields.material))
        meshes: dict[str, Callable[[int], Any]] = {
            CONTOURS: CarriedContours(result.motion).mesh,
            DRAWN: DrawnContours(request.masks.labels == MaskFrames.MYOCARDIUM, geometry).mesh,
            WALL: wall.mesh,
        }
        for role in (*LINES, WALL):
            mesh = meshes.get(role, lambda _frame: vtk.vtkPolyData())
            found = yield from builder.modelSteps(f"{name} {role}", role, map(mesh, range(frames)))
            draft.sequences.append(found)
        return draft


def browserOf(request: PredictionRequest) -> Any:
    """The cine's browser if it is still in the scene and has the frames of the request, or None."""
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    node = slicer.mrmlScene.GetNodeByID(request.cineNodeId) if request.cineNodeId else None
    fits = node is not None and CineSource(node).isBrowser and node.GetNumberOfItems() == len(request.masks.labels)
    return node if fits else None


def builderFor(request: PredictionRequest) -> SequenceBuilder:
    """Makes sequences for the browser that shows the result of a request."""
    browser = browserOf(request)
    if browser is not None:
        return SequenceBuilder.ofBrowser(browser)
    return SequenceBuilder(request.masks.indexValues, "ms" if request.masks.hasTimes else "")
