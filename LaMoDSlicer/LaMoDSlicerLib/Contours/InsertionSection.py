from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display.SegmentLines import SegmentLines
from LaMoDSlicerLib.Inputs.InsertionNode import InsertionNode
from LaMoDSlicerLib.Scene.VolumeGeometry import RAS_LPS
from LaMoDSlicerLib.Widgets import PanelWidgets

_SEPTUM = "septum"


class InsertionSection:
    """Finds the RV insertion, shows the segments that start at it, and gives single slices their own point.

    Args:
        ui: the panel's widgets by name.
        panel: the ContoursPanel.
    """

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._lines = SegmentLines()
        self._observed: Any = None
        self._tags: list[int] = []
        self._slices: list[Any] = []
        ui.findInsertionButton.connect("clicked(bool)", self.onFindButton)
        ui.segmentsCheckBox.connect("toggled(bool)", self.onSegmentsToggled)
        ui.ownInsertionCheckBox.connect("clicked(bool)", self.onOwnClicked)

    def update(self) -> None:
        """Enable the controls; follow the selected point list while the segments are shown."""
        ui, problem = self._ui, self._panel.checkProblem()
        tip = _("Find it from the right ventricle, or from a curve or segment named “septum”; drag it to correct it")
        PanelWidgets.enable(ui.findInsertionButton, problem, tip)
        tip = _("Show segment borders and names on every slice at end-diastole")
        PanelWidgets.enable(ui.segmentsCheckBox, problem, tip)
        if problem:
            ui.segmentsCheckBox.checked = False
            self._slices = []
        self._follow(self._node() if ui.segmentsCheckBox.checked else None)
        self.updateSlice()

    def updateSlice(self) -> None:
        """Show whether the current slice has its own point."""
        ui, contours, node = self._ui, self._panel.contours, self._node()
        problem = "" if contours is not None and node is not None else _("Find or place the RV insertion first.")
        tip = _("If unchecked, the slice uses the point of the heart")
        PanelWidgets.enable(ui.ownInsertionCheckBox, problem, tip)
        own = None
        if ui.ownInsertionCheckBox.enabled:
            own = InsertionNode(node).ownOf(self._grids(), self._panel.sliceIndex)
        ui.ownInsertionCheckBox.checked = own is not None

    def contoursChanged(self) -> None:
        """Draw the segments again after the contours changed."""
        self._slices = []
        if self._ui.segmentsCheckBox.checked:
            self._draw()

    def _node(self) -> Any:
        parameters = self._panel.parameters
        return parameters.rvInsertion if parameters is not None else None

    def _drawn(self) -> list[Any]:
        if not self._slices:
            self._slices = self._panel.contours.slices()
        return self._slices

    def _grids(self) -> list[Any]:
        return [slice_.grid for slice_ in self._drawn()]

    def onFindButton(self) -> None:
        """Find the insertion from the septum if one was drawn, else from the right ventricle."""
        from LaMoDCore.contours.insertion import InsertionPoints

        contours = self._panel.contours
        reference = contours.referenceFrame()
        septum = _septumPoints(contours, reference)
        found = InsertionPoints.found(self._drawn(), reference, septum).shared_lps
        if found is None:
            self._panel.showNotice(
                _(
                    "There is no right ventricle that touches the wall, and no segment or curve named “septum”: "
                    "place the RV insertion in the section Heart."
                )
            )
            return
        node = self._node()
        insertion = InsertionNode(node) if node is not None else InsertionNode.create()
        insertion.setShared(found)
        self._panel.parameters.rvInsertion = insertion.node
        where = _("the septum") if septum is not None else _("the right ventricle")
        self._panel.showNotice(
            _("The RV insertion was found from {where}. Drag the point to correct it; the segments follow.").format(
                where=where
            )
        )
        self._ui.segmentsCheckBox.checked = True
        self._follow(insertion.node)
        self._draw()
        self.updateSlice()

    def onSegmentsToggled(self, shown: bool) -> None:
        if shown and self._panel.contours is not None:
            self._follow(self._node())
            self._draw()
        else:
            self._follow(None)
            self._lines.hide()

    def onOwnClicked(self, own: bool) -> None:
        """Give the current slice its own point, where its segments start now, or remove that point."""
        k, insertion = self._panel.sliceIndex, InsertionNode(self._node())
        slice_ = self._drawn()[k]
        if own:
            point = insertion.points(self._grids()).at(k, slice_, self._panel.contours.referenceFrame())
            insertion.addOwn(point, slice_.name)
            self._panel.showNotice(_("{name} now has its own RV insertion: drag it.").format(name=slice_.name))
        else:
            insertion.removeOwn(self._grids(), k)
            self._panel.showNotice(_("{name} uses the RV insertion of the heart again.").format(name=slice_.name))

    def _follow(self, node: Any) -> None:
        if node is self._observed:
            return
        if self._observed is not None:
            for tag in self._tags:
                self._observed.RemoveObserver(tag)
        self._observed, self._tags = node, []
        if node is not None:
            events = (node.PointModifiedEvent, node.PointAddedEvent, node.PointRemovedEvent)
            self._tags = [node.AddObserver(event, self._onMoved) for event in events]

    def _onMoved(self, _node: Any, _event: Any) -> None:
        if self._panel.contours is not None:
            self._draw()

    def _draw(self) -> None:
        from LaMoDCore.contours.insertion import InsertionPoints

        node = self._node()
        points = InsertionNode(node).points(self._grids()) if node is not None else InsertionPoints()
        self._lines.show(self._drawn(), points, self._panel.contours.referenceFrame())


def _septumPoints(contours: Any, frame: int) -> np.ndarray | None:
    """[N, 3] LPS mm along a curve or segment with “septum” in its name; None if there is none.

    Args:
        contours: the ContourSlices.
        frame: end-diastole.
    """
    points = _curvePoints()
    return points if points is not None else _segmentPoints(contours, frame)


def _curvePoints() -> np.ndarray | None:
    for node in slicer.util.getNodesByClass("vtkMRMLMarkupsCurveNode"):
        if _SEPTUM in node.GetName().lower() and node.GetNumberOfControlPoints() >= 3:
            ras = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
            return ras * np.diag(RAS_LPS)[:3]
    return None


def _segmentPoints(contours: Any, frame: int) -> np.ndarray | None:
    for choice, name in contours.source.choices().items():
        if _SEPTUM in name.lower() and "myo" not in name.lower():
            mask = contours.source.maskOf(choice, frame, contours.frames.geometry)
            k, j, i = np.nonzero(mask)
            if len(i) >= 3:
                ijk = np.stack([i, j, k, np.ones_like(i)])
                return (contours.frames.geometry.ijkToLps @ ijk)[:3].T
    return None
