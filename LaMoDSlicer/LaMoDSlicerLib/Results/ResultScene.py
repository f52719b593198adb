from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
import vtk

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results import MotionStore, ResultRoles
from LaMoDSlicerLib.Results.ResultDraft import ResultDraft, browserOf
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed


class ResultScene:
    """A result as nodes of the scene: sequences that a sequence browser steps through together with the cine.

    Every node has the attribute "LaMoD.Role", by which it is found in a scene that was saved and loaded.

    Args:
        browserNode: the browser that shows the result.
    """

    #: White level of the masks (0 and 1), which replace missing images: they are dark grey below the colours.
    MASKS_WHITE = 4.0
    MASKS, CONTOURS, DRAWN, ARROWS = ResultRoles.MASKS, ResultRoles.CONTOURS, ResultRoles.DRAWN, ResultRoles.ARROWS
    GRID, TRACKS, WALL, DIFFERENCE = ResultRoles.GRID, ResultRoles.TRACKS, ResultRoles.WALL, ResultRoles.DIFFERENCE
    LINES, DRAWN_ON_DEMAND = ResultRoles.LINES, ResultRoles.DRAWN_ON_DEMAND
    QUANTITIES, ROLES = ResultRoles.QUANTITIES, ResultRoles.ALL
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
        return cls.show(completed(ResultDraft.steps(result, request, fields)), request)

    @classmethod
    def show(cls, draft: ResultDraft, request: PredictionRequest) -> "ResultScene":
        """Add the nodes of a draft to the scene; arguments and result as of `create`.

        Raises:
            ValueError: the cine has other frame times than the draft.
        """
        cls.refuseOtherTimes(draft, request)
        scene = cls(cls._browserFor(request, draft.builder))
        scene.remove()
        scene._add(draft, request.name)
        return scene

    @staticmethod
    def refuseOtherTimes(draft: ResultDraft, request: PredictionRequest) -> None:
        """Check that the cine of a request, if it is still in the scene, has the frame times of a draft.

        Raises:
            ValueError: they differ.
        """
        browser = browserOf(request)
        if browser is not None and not SequenceBuilder.ofBrowser(browser).matches(draft.builder):
            raise ValueError("the frame times of the cine changed")

    @classmethod
    def _browserFor(cls, request: PredictionRequest, builder: SequenceBuilder) -> Any:
        """The cine's browser if it is still in the scene, otherwise a new one."""
        node = browserOf(request)
        if node is not None:
            return node
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

    def _add(self, draft: ResultDraft, name: str) -> None:
        self._motion = draft.motion
        for sequence in draft.sequences:
            self.browserNode.AddSynchronizedSequenceNode(SequenceBuilder.inScene(sequence))
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(self.browserNode)
        MotionStore.save(self._motion, self.browserNode, f"{name} motion")
        self.browserNode.SetSelectedItemNumber(draft.endSystole)

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
        completed(self.drawSteps(role, shape, mesh))

    def drawSteps(self, role: str, shape: str, mesh: Callable[[int], Any]) -> Steps:
        """As `draw`, in one step per frame."""
        sequence = self.sequence(role)
        meshes = map(mesh, range(sequence.GetNumberOfDataNodes()))
        yield from SequenceBuilder.ofBrowser(self.browserNode).replaceModelSteps(sequence, meshes)
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
