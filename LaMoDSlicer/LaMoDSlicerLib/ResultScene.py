from typing import Any

import numpy as np
import slicer
import vtk

from LaMoDSlicerLib.CarriedContours import CarriedContours
from LaMoDSlicerLib.CineSource import CineSource
from LaMoDSlicerLib.DisplacementArrows import DisplacementArrows
from LaMoDSlicerLib.MaskFrames import MaskFrames
from LaMoDSlicerLib.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.ResultFiles import ResultFiles
from LaMoDSlicerLib.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.SpatialFields import SpatialFields


class ResultScene:
    """A result as nodes of the scene: sequences that a sequence browser steps through together with the cine.

    Every node carries the attribute "LaMoD.Role"; so a scene that was saved and loaded finds them again.

    Args:
        browserNode: the browser that shows the result.
    """

    ARROWS, CONTOURS, MASKS = "arrows", "contours", "masks"
    QUANTITIES = tuple(q for q in OverlayQuantity if q is not OverlayQuantity.NONE)

    def __init__(self, browserNode: Any) -> None:
        self.browserNode = browserNode
        self._result: ResultFiles | None = None
        self._builder: SequenceBuilder | None = None

    @classmethod
    def create(cls, result: ResultFiles, request: PredictionRequest) -> "ResultScene":
        """Put a result into the scene, on the request's cine; an earlier result on it is replaced.

        Raises:
            ValueError: the result does not fit the request's grid or frames.
        """
        if result.numberOfFrames != len(request.masks.labels):
            raise ValueError(f"the result has {result.numberOfFrames} frames and the masks {len(request.masks.labels)}")
        fields = SpatialFields(result, request.masks.geometry)
        shown = {quantity: fields.of(quantity) for quantity in cls.QUANTITIES}
        scene = cls(cls._browserFor(request))
        scene.remove()
        scene._fill(result, request, shown)
        return scene

    @classmethod
    def _browserFor(cls, request: PredictionRequest) -> Any:
        """The cine's browser where the cine is (still) there; a new one otherwise."""
        node = slicer.mrmlScene.GetNodeByID(request.cineNodeId) if request.cineNodeId else None
        if node is not None and CineSource(node).isBrowser and node.GetNumberOfItems() == len(request.masks.labels):
            return node
        builder = SequenceBuilder(request.masks.indexValues, "ms" if request.masks.hasTimes else "")
        if request.cine is not None:
            name, frames = f"{request.name} cine", request.cine
        else:
            name, frames = f"{request.name} masks", (request.masks.labels == MaskFrames.MYOCARDIUM).astype(np.uint8)
        browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", request.name)
        sequence = builder.volumes(name, cls.MASKS, frames, request.masks.geometry)
        browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        browser.GetProxyNode(sequence).CreateDefaultDisplayNodes()
        return browser

    def _fill(self, result: ResultFiles, request: PredictionRequest, shown: dict[OverlayQuantity, np.ndarray]) -> None:
        master = self.browserNode.GetMasterSequenceNode()
        values = tuple(master.GetNthIndexValue(i) for i in range(master.GetNumberOfDataNodes()))
        self._result, self._builder = result, SequenceBuilder(values, master.GetIndexUnit() or "")
        made = [
            self._builder.volumes(f"{request.name} {q.shortName} [{q.unit}]", q.value, frames, request.masks.geometry)
            for q, frames in shown.items()
        ]
        contours = CarriedContours(result)
        frames = range(result.numberOfFrames)
        made.append(self._builder.models(f"{request.name} contours", self.CONTOURS, (contours.mesh(t) for t in frames)))
        made.append(self._builder.models(f"{request.name} arrows", self.ARROWS, (vtk.vtkPolyData() for _ in frames)))
        for sequence in made:
            self.browserNode.AddSynchronizedSequenceNode(sequence)
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(self.browserNode)
        for role in (*(q.value for q in self.QUANTITIES), self.CONTOURS, self.ARROWS):
            self.proxy(role).CreateDefaultDisplayNodes()
        self.browserNode.SetSelectedItemNumber(result.endSystole)

    def sequence(self, role: str) -> Any:
        """The sequence of a role, or None."""
        sequences = vtk.vtkCollection()
        self.browserNode.GetSynchronizedSequenceNodes(sequences, True)
        for i in range(sequences.GetNumberOfItems()):
            if sequences.GetItemAsObject(i).GetAttribute(SequenceBuilder.ROLE) == role:
                return sequences.GetItemAsObject(i)
        return None

    def proxy(self, role: str) -> Any:
        """The node that shows the current frame of a role, or None."""
        sequence = self.sequence(role)
        return self.browserNode.GetProxyNode(sequence) if sequence is not None else None

    @property
    def isShown(self) -> bool:
        """Whether the scene (still) holds a result."""
        return self.browserNode.GetScene() is not None and self.sequence(OverlayQuantity.ECC.value) is not None

    @property
    def canRedrawArrows(self) -> bool:
        """Arrows are drawn anew from the result itself, which a saved scene does not hold."""
        return self._result is not None

    @property
    def summary(self) -> dict[str, Any]:
        """strain.json; empty in a scene that was loaded."""
        return self._result.summary if self._result is not None else {}

    def background(self) -> Any:
        """The volume under the colours."""
        return CineSource(self.browserNode).volumeNode() if self._hasCine() else self.proxy(self.MASKS)

    def _hasCine(self) -> bool:
        return self.sequence(self.MASKS) is None

    def drawArrows(self, spacingMm: float, scale: float) -> None:
        """Draw the arrows of every frame anew."""
        sequence = self.sequence(self.ARROWS)
        if self._result is None or self._builder is None or sequence is None:
            return
        arrows = DisplacementArrows(self._result, spacingMm, scale)
        self._builder.replaceModels(sequence, (arrows.mesh(t) for t in range(self._result.numberOfFrames)))
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(self.browserNode)

    def remove(self) -> None:
        """Take an earlier result off the browser and out of the scene."""
        for role in (*(q.value for q in self.QUANTITIES), self.CONTOURS, self.ARROWS):
            sequence = self.sequence(role)
            if sequence is None:
                continue
            proxy = self.browserNode.GetProxyNode(sequence)
            self.browserNode.RemoveSynchronizedSequenceNode(sequence.GetID())
            for node in (*self._belongings(proxy), proxy, *self._belongings(sequence), sequence):
                if node is not None and node.GetScene() is not None:
                    slicer.mrmlScene.RemoveNode(node)

    @staticmethod
    def _belongings(node: Any) -> list[Any]:
        """Display nodes, the last first (a legend needs the first one as long as it lives), and storage node."""
        if node is None:
            return []
        displayed = node.GetNumberOfDisplayNodes() if node.IsA("vtkMRMLDisplayableNode") else 0
        return [*(node.GetNthDisplayNode(i) for i in reversed(range(displayed))), node.GetStorageNode()]
