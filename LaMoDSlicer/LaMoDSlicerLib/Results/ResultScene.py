from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk

from LaMoDSlicerLib.Contours.ContourMeshes import CarriedContours, DrawnContours
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Display.WallSurface import WallSurface
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results import MotionStore
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder


class ResultScene:
    """A result as nodes of the scene: sequences that a sequence browser steps through together with the cine.

    Every node has the attribute "LaMoD.Role", by which it is found in a scene that was saved and loaded.

    Args:
        browserNode: the browser that shows the result.
    """

    MASKS = "masks"
    #: White level of the masks (0 and 1), which replace missing images: they are dark grey below the colours.
    MASKS_WHITE = 4.0
    CONTOURS, DRAWN, ARROWS, GRID, TRACKS = "contours", "drawn", "arrows", "grid", "tracks"
    #: Drawn when they are first displayed, with the settings of that moment.
    DRAWN_ON_DEMAND = (ARROWS, GRID, TRACKS)
    LINES = (CONTOURS, DRAWN, *DRAWN_ON_DEMAND)
    #: The wall in the 3-D view.
    WALL = "wall"
    #: Ecc minus that of another result.
    DIFFERENCE = "difference"
    QUANTITIES = tuple(q for q in OverlayQuantity if q is not OverlayQuantity.NONE)
    ROLES = (*(q.value for q in QUANTITIES), *LINES, WALL)
    #: Attribute of a sequence of lines: the settings with which it was drawn.
    SHAPE = "LaMoD.Shape"

    def __init__(self, browserNode: Any) -> None:
        self.browserNode = browserNode
        self._motion: MaterialMotion | None = None

    @classmethod
    def create(
        cls, result: ResultStack, request: PredictionRequest, fields: SpatialFields | None = None
    ) -> "ResultScene":
        """Add a result to the scene, on the request's cine; it replaces an earlier result there.

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
        fields = fields or SpatialFields(result, request.masks.geometry)  # fails before the scene changes
        scene = cls(cls._browserFor(request))
        scene.remove()
        scene._fill(result, request, fields)
        return scene

    @classmethod
    def _browserFor(cls, request: PredictionRequest) -> Any:
        """The cine's browser if it is still in the scene, otherwise a new one."""
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
        if request.cine is None:
            display = browser.GetProxyNode(sequence).GetDisplayNode()
            display.SetAutoWindowLevel(False)
            display.SetWindowLevelMinMax(0.0, cls.MASKS_WHITE)
        return browser

    def _fill(self, result: ResultStack, request: PredictionRequest, fields: SpatialFields) -> None:
        self._motion = result.motion
        shown = {quantity: fields.of(quantity) for quantity in fields.quantities}
        builder, geometry, name = self._builder(), request.masks.geometry, request.name
        made = [builder.volumes(f"{name} {q.shortName} [{q.unit}]", q.value, f, geometry) for q, f in shown.items()]
        contours = CarriedContours(self._motion)
        drawn = DrawnContours(request.masks.labels == MaskFrames.MYOCARDIUM, geometry)
        wall = WallSurface(self._motion, fields.material())
        meshes: dict[str, Callable[[int], Any]] = {self.CONTOURS: contours.mesh, self.DRAWN: drawn.mesh}
        meshes[self.WALL] = wall.mesh
        for role in (*self.LINES, self.WALL):
            mesh = meshes.get(role, lambda _frame: vtk.vtkPolyData())
            made.append(builder.models(f"{name} {role}", role, map(mesh, range(result.motion.numberOfFrames))))
        for sequence in made:
            self.browserNode.AddSynchronizedSequenceNode(sequence)
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(self.browserNode)
        MotionStore.save(self._motion, self.browserNode, f"{name} motion")
        self.browserNode.SetSelectedItemNumber(result.endSystole)

    def _builder(self) -> SequenceBuilder:
        master = self.browserNode.GetMasterSequenceNode()
        values = tuple(master.GetNthIndexValue(i) for i in range(master.GetNumberOfDataNodes()))
        return SequenceBuilder(values, master.GetIndexUnit() or "")

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

    def displayOf(self, role: str) -> Any:
        """The display node of a role's proxy; None if the result lacks the role."""
        proxy = self.proxy(role)
        if proxy is not None and proxy.GetDisplayNode() is None:
            proxy.CreateDefaultDisplayNodes()
        return proxy.GetDisplayNode() if proxy is not None else None

    @property
    def isShown(self) -> bool:
        """Whether the scene contains the result."""
        return self.browserNode.GetScene() is not None and self.sequence(OverlayQuantity.ECC.value) is not None

    @property
    def motion(self) -> MaterialMotion | None:
        """The motion of the wall, also in a loaded scene; None if the scene does not contain it."""
        if self._motion is None:
            self._motion = MotionStore.load(self.browserNode)
        return self._motion

    def holds(self, quantity: OverlayQuantity) -> bool:
        """Whether the result has this quantity."""
        return self.sequence(quantity.value) is not None

    def background(self) -> Any:
        """The volume below the colours."""
        return CineSource(self.browserNode).volumeNode() if self._hasCine() else self.proxy(self.MASKS)

    def _hasCine(self) -> bool:
        return self.sequence(self.MASKS) is None

    def draw(self, role: str, shape: str, mesh: Callable[[int], Any]) -> None:
        """Redraw the lines of every frame.

        Args:
            role: one of `DRAWN_ON_DEMAND`.
            shape: the settings as text, which `shapeOf` returns.
            mesh: returns the vtkPolyData of a frame.
        """
        sequence = self.sequence(role)
        self._builder().replaceModels(sequence, map(mesh, range(sequence.GetNumberOfDataNodes())))
        sequence.SetAttribute(self.SHAPE, shape)
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(self.browserNode)

    def shapeOf(self, role: str) -> str:
        """The settings with which the lines were drawn; "" if they have not been drawn."""
        return self.sequence(role).GetAttribute(self.SHAPE) or ""

    def remove(self) -> None:
        """Remove the result from the browser and the scene."""
        for role in (*self.ROLES, self.DIFFERENCE):
            sequence = self.sequence(role)
            if sequence is None:
                continue
            proxy = self.browserNode.GetProxyNode(sequence)
            self.browserNode.RemoveSynchronizedSequenceNode(sequence.GetID())
            self.removeNodes(*self.belongings(proxy), proxy, *self.belongings(sequence), sequence)
        motion = MotionStore.nodeOf(self.browserNode)
        self.removeNodes(*self.belongings(motion), motion)

    @staticmethod
    def removeNodes(*nodes: Any) -> None:
        for node in nodes:
            if node is not None and node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)

    @staticmethod
    def belongings(node: Any) -> list[Any]:
        """Display nodes in reverse order, because a legend needs the first one, and the storage node."""
        if node is None:
            return []
        displayed = node.GetNumberOfDisplayNodes() if node.IsA("vtkMRMLDisplayableNode") else 0
        return [*(node.GetNthDisplayNode(i) for i in reversed(range(displayed))), node.GetStorageNode()]
