from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourOverlay import ContourOverlay
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Widgets import PanelWidgets
from LaMoDSlicerLib.Widgets.ViewLegend import ViewLegend


class ContourLines:
    """Draws the contours of the shown frame in the slice views: those of now, those before a step, and the findings.

    The lines are drawn while a person works on contours: from the selection of masks until a result is shown, and
    again with the next click in the panel.

    Args:
        ui: the panel's widgets by name.
        panel: the ContoursPanel.
    """

    #: Colour of the remark that the result is out of date.
    STALE_RGB = (1.0, 0.45, 0.35)

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._overlay, self.viewLegend = ContourOverlay(), ViewLegend()
        self._before: tuple[str, np.ndarray] | None = None
        self._isEntered, self._areDrawn = True, False
        self._remark: list[tuple[str, tuple[float, float, float]]] = []
        self._results: set[str] = set()
        PanelWidgets.reserveLines(ui.linesLegend, 2)
        ui.linesCheckBox.checked = True
        ui.linesCheckBox.connect("toggled(bool)", self.onToggled)

    def update(self) -> None:
        """Turn the lines off when another result is shown, whose contours are part of its display."""
        parameters = self._panel.parameters
        browser = parameters.resultBrowser if parameters is not None else None
        results = {result.node.GetID() for result in ResultNode.all()}
        results |= {browser.GetID()} if browser is not None else set()
        isNew = bool(results - self._results)
        self._results = results
        if isNew:
            self._before = None
            self._ui.linesCheckBox.checked = False
        self._remark = self._staleRemark()
        self.draw()

    def forget(self) -> None:
        """Remove the lines because other masks were selected; those with a result are drawn with the result."""
        self._before, self._areDrawn, self._remark = None, False, []
        ContourOverlay.hide()
        self.viewLegend.show([])
        masks = self._panel.masks
        self._ui.linesCheckBox.checked = not any(masks in ResultContours.masksOf(each) for each in ResultNode.all())

    def onToggled(self, _checked: bool) -> None:
        self.draw()

    def turnOn(self) -> None:
        """Draw the lines, because the person works on contours."""
        self._ui.linesCheckBox.checked = True

    def compare(self, name: str, old: np.ndarray | None) -> None:
        """Draw earlier contours as a dashed line.

        Args:
            name: of the earlier contours, for the legend.
            old: bool [T, Z, H, W]; None to stop drawing them.
        """
        self._before = (name, old) if old is not None else None
        if old is not None:
            self.turnOn()
        self.draw()

    def enter(self) -> None:
        self._isEntered = True
        self.draw()

    def leave(self) -> None:
        self._isEntered, self._remark = False, []
        self.draw()

    @property
    def _areShown(self) -> bool:
        return self._isEntered and bool(self._ui.linesCheckBox.checked) and self._panel.contours is not None

    def draw(self) -> None:
        """Draw the shown frame, or remove the lines."""
        contours = self._panel.contours
        if not self._areShown:
            if self._areDrawn:
                ContourOverlay.hide()
            self._areDrawn = False
            self._ui.linesLegend.text = ""
            self.viewLegend.show(self._remark)
            return
        self._areDrawn = True
        frame = min(self._panel.frame, contours.numberOfFrames - 1)
        now = contours.frames.labels[frame] == MaskFrames.MYOCARDIUM
        old = self._before[1] if self._before is not None else None
        if old is not None and old.shape != contours.frames.labels.shape:
            old = self._before = None
        marks = self._marks(frame)
        ContourOverlay.replace(contours.masksNode)
        before = old[frame] if old is not None else None
        entries = self._entries(self._overlay.show(contours.frames.geometry, now, before, marks))
        self._ui.linesLegend.text = self._legend(entries)
        self.viewLegend.show([*self._remark, *((f"{sign} {text}", rgb) for rgb, sign, text in entries)])

    def _staleRemark(self) -> list[tuple[str, tuple[float, float, float]]]:
        """That the shown result is out of date, for the slice views."""
        parameters = self._panel.parameters
        browser = parameters.resultBrowser if parameters is not None and self._isEntered else None
        result = ResultNode.ofBrowser(browser) if browser is not None else None
        if result is None or not ResultContours.isOutOfDate(result):
            return []
        return [(_("Out of date: contours changed"), self.STALE_RGB)]

    def _marks(self, frame: int) -> dict[int, list[Any]]:
        """The places of the findings of a frame, by slice of the volume; none for accepted frames."""
        report, contours = self._panel.report, self._panel.contours
        if report is None:
            return {}
        states = self._panel.review.states
        return {
            depth: [place for finding in report.of(k, frame) for place in finding.places]
            for k, depth in enumerate(contours.depths)
            if k < len(states) and states[k][frame].state in ("look", "repair", "unsure")
        }

    def _entries(self, drawn: set[str]) -> list[tuple[tuple[float, float, float], str, str]]:
        """Colour, sign and name of each kind of drawn line."""
        overlay, entries = ContourOverlay, []
        if overlay.NOW in drawn:
            entries.append((overlay.NOW_RGB, "—", _("contour")))
        if overlay.BEFORE in drawn and self._before is not None:
            entries.append((overlay.BEFORE_RGB, "- -", self._before[0]))
        if overlay.MARKS in drawn:
            entries.append((overlay.MARK_RGB, "o", _("finding")))
        return entries

    @staticmethod
    def _legend(entries: list[tuple[tuple[float, float, float], str, str]]) -> str:
        """The drawn lines with their colours as on the picture, for a label with rich text."""
        if not entries:
            return _("nothing is drawn in this frame")
        sample = '<span style="background:#202020; color:{color}">&nbsp;{sign}&nbsp;</span>&nbsp;{text}'
        return " &nbsp;".join(
            sample.format(color="#" + "".join(f"{round(255 * v):02x}" for v in rgb), sign=sign, text=text)
            for rgb, sign, text in entries
        )

    def look(self) -> None:
        """Bring the contours into view if the red view shows no image or another plane than those of the slices."""
        contours, layouts = self._panel.contours, slicer.app.layoutManager()
        red = layouts.sliceWidget("Red") if layouts is not None else None
        if red is None:
            return
        self.draw()
        if red.mrmlSliceCompositeNode().GetBackgroundVolumeID() is None and ContourOverlay.model() is not None:
            SliceViews.turn(red.mrmlSliceNode(), contours.frames.geometry)
            SliceViews.zoomTo(ContourOverlay.model())
        if not self._isInView(red.mrmlSliceNode()):
            self._panel.showCine()
            middle = contours.centerRas(len(contours.depths) // 2)
            red.mrmlSliceNode().JumpSliceByOffsetting(*(float(v) for v in middle))

    def _isInView(self, sliceNode: Any) -> bool:
        """Whether the plane of a view lies in one of the slices."""
        contours = self._panel.contours
        toRas = slicer.util.arrayFromVTKMatrix(sliceNode.GetSliceToRAS())
        normal, origin = toRas[:3, 2], toRas[:3, 3]
        step = contours.frames.geometry.ijkToRas[:3, 2]
        half = max(float(abs(step @ normal)) / 2, 0.5)
        centers = (contours.centerRas(k) for k in range(len(contours.depths)))
        return any(abs(float((center - origin) @ normal)) <= half for center in centers)
