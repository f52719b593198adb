from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours import SegmentEditorLink, StripContents
from LaMoDSlicerLib.Contours.AcceptanceRecord import AcceptanceRecord
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.FrameStrip import FrameStrip
from LaMoDSlicerLib.Contours.InsertionSection import InsertionSection
from LaMoDSlicerLib.Contours.RepairSection import RepairSection
from LaMoDSlicerLib.Contours.StudySection import StudySection
from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower
from LaMoDSlicerLib.Widgets import PanelWidgets


class ContoursPanel:
    """Checks, accepts, repairs and carries contours; nothing is read or changed without a click.

    Args:
        owner: the module's widget: its resources, its layout, and its update of all panels.
    """

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/ContoursPanel.ui"))
        owner.layout.addWidget(self.widget)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._updateAll = owner.onModified
        self.parameters: Any = None
        self._masksId = ""
        self._contours: ContourSlices | None = None
        self._report: Any = None
        self._checked: Any = None
        self._slice = 0
        self._follower = FrameFollower(self._onFrame)
        ui = self._ui
        self.strip = FrameStrip(ui.stripTable, self.onStripClicked)
        ui.stripLegend.text = FrameStrip.legend()
        PanelWidgets.reserveLines(ui.stripLegend, 3)
        PanelWidgets.reserveLines(ui.findingLabel, 6)
        self.repair = RepairSection(ui, self)
        self.insertion = InsertionSection(ui, self)
        self.study = StudySection(ui, self)
        ui.checkButton.connect("clicked(bool)", self.onCheckButton)
        ui.acceptButton.connect("clicked(bool)", self.onAcceptButton)
        ui.acceptAllButton.connect("clicked(bool)", self.onAcceptAllButton)
        ui.editButton.connect("clicked(bool)", self.onEditButton)
        self._shortcut = qt.QShortcut(qt.QKeySequence("A"), self.widget)
        self._shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)  # not while typing elsewhere in Slicer
        self._shortcut.connect("activated()", self.onAcceptButton)
        self.update()

    @property
    def ui(self) -> Any:
        """The panel's widgets by name."""
        return self._ui

    @property
    def report(self) -> Any:
        """The findings of the last check (a LaMoDCore ContourReport), or None."""
        return self._report

    @property
    def contours(self) -> ContourSlices | None:
        """The contours of the last check, or None."""
        return self._contours

    @property
    def sliceIndex(self) -> int:
        """The current slice, counted from 0."""
        return self._slice

    def setParameters(self, parameters: Any) -> None:
        self.parameters = parameters
        self.update()

    def update(self) -> None:
        """Enable the controls; discard the report of masks that are no longer selected."""
        p = self.parameters
        masks = p.masks if p is not None else None
        masksId = masks.GetID() if masks is not None else ""
        if masksId != self._masksId:
            self._masksId = masksId
            self._forget()
        self._checkAgain()
        ui, missing = self._ui, "" if masks is not None else _("Select the myocardium masks first.")
        PanelWidgets.enable(ui.checkButton, missing, _("Check every frame of every slice"))
        tip = _("Accept this frame's contour and go to the next frame to review (key A)")
        PanelWidgets.enable(ui.acceptButton, self.checkProblem(), tip)
        tip = _("Record that you looked at the automatic contours of all frames and accept them")
        PanelWidgets.enable(ui.acceptAllButton, missing or self._acceptAllProblem(masks), tip)
        tip = _("Open the Segment Editor on this frame's myocardium")
        PanelWidgets.enable(ui.editButton, self.checkProblem(), tip)
        for section in (self.repair, self.insertion, self.study):
            section.update()

    def _checkAgain(self) -> None:
        """Repeat the check if the contours changed since, for example in the Segment Editor."""
        if self._contours is None:
            return
        try:
            now = ContourFingerprint.of(self._contours.masksNode, self._checked.geometry)
            if now.differences(self._checked):
                self.check()
        except InputError as error:
            self._forget()
            self.showMessage(str(error))

    def checkProblem(self) -> str:
        """Why contours cannot be accepted, edited or repaired; empty if they were checked."""
        return "" if self._report is not None else _("Press “Check contours” first.")

    @staticmethod
    def _acceptAllProblem(masks: Any) -> str:
        """Why automatic contours cannot be accepted; empty if they can."""
        origin = ContourOriginRecord(masks)
        if not origin.exists:
            return _("These contours were not drawn automatically.")
        try:
            return _("All contours are reviewed.") if origin.isReviewed() else ""
        except InputError as error:
            return str(error)

    def _forget(self) -> None:
        self._contours = self._report = None
        self._slice = 0
        self.repair.forget()
        self.study.forget()
        self._follower.follow(None)
        self.strip.show([], [], [])
        self.showMessage("")

    def showMessage(self, text: str) -> None:
        """Show a sentence below the strip."""
        self._ui.findingLabel.text = text

    def onCheckButton(self) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be checked."), show=False, waitCursor=True):
                self.check()
        except InputError as error:
            self._forget()
            self.showMessage(str(error))
        self.update()

    def check(self) -> None:
        """Check every frame of every slice.

        Raises:
            InputError: there are no contours to check.
        """
        from LaMoDCore.contours.check import check_contours

        self._contours = ContourSlices(self.parameters)
        self._checked = ContourFingerprint.of(self._contours.masksNode)
        self._report = check_contours(self._contours.slices(), self._contours.referenceFrame())
        self._slice = min(self._slice, len(self._contours.depths) - 1)
        self._follower.follow(self._contours.source.sequence.browserNode)
        self.insertion.contoursChanged()
        self.showLights()

    def contoursChanged(self) -> None:
        """Update what depends on the contours: a result of the earlier ones is out of date."""
        self._updateAll()

    def holder(self) -> Any:
        """The node with the contours' attributes: the masks' sequence, or the masks if there is no sequence."""
        sequence = self._contours.source.sequence
        return sequence.sequenceNode or self._contours.masksNode

    def showLights(self) -> None:
        """Show the strip and the findings of the current frame."""
        self._showStrip()
        self._showFrame()

    def _showStrip(self) -> None:
        acceptance, carried = AcceptanceRecord(self.holder()), RepairSection.carriedFrames(self.holder())
        states, tips = StripContents.contentsOf(self._contours.slices(), self._report, acceptance, carried)
        self.strip.show([str(k + 1) for k in self._contours.depths], states, tips)

    def _frame(self) -> int:
        browser = self._contours.source.sequence.browserNode
        return max(browser.GetSelectedItemNumber(), 0) if browser is not None else 0

    def _showFrame(self) -> None:
        frame = self._frame()
        self.strip.mark(self._slice, frame)
        name = self._report.slice_names[self._slice]
        findings = self._report.of(self._slice, frame)
        state = self.strip.states[self._slice][frame]
        lines = [_("{name}, frame {t}: {state}").format(name=name, t=frame + 1, state=state)]
        self.showMessage("\n".join([*lines, *(f"• {finding.text}" for finding in findings)]))

    def _onFrame(self, _frame: int) -> None:
        if self._report is not None:
            self._showFrame()

    def onStripClicked(self, sliceIndex: int, frame: int) -> None:
        self._slice = sliceIndex
        self._contours.show(sliceIndex, frame)
        self._showFrame()
        self.insertion.updateSlice()

    def onAcceptButton(self) -> None:
        """Accept the current contour and go to the next frame to review."""
        if self._report is None:
            return
        frame = self._frame()
        slice_ = self._contours.slices()[self._slice]
        AcceptanceRecord(self.holder()).accept(slice_.name, frame, slice_.myocardium[frame])
        geometry, depth = self._contours.frames.geometry, self._contours.depths[self._slice]
        self._recordReview(self._contours.masksNode, lambda record: record.accept(geometry, depth, frame))
        self._showStrip()
        self.update()
        following = self.strip.next(self._slice, frame)
        if following is None:
            self._showFrame()
            self.showMessage(_("Every frame is good or accepted."))
            return
        self.onStripClicked(*following)

    def onAcceptAllButton(self) -> None:
        """Mark the automatic contours of all frames as reviewed."""
        self._recordReview(self.parameters.masks, ContourOriginRecord.acceptAll)
        if self._report is not None:
            self.onCheckButton()
        self.update()
        self.showMessage(_("The automatic contours of all frames are marked as reviewed."))

    def _recordReview(self, masksNode: Any, accept: Callable[[ContourOriginRecord], None]) -> None:
        """Accept frames; once all are reviewed, the results of these contours state it."""
        record = ContourOriginRecord(masksNode)
        accept(record)
        if record.exists and record.isReviewed():
            ResultContours.markReviewed(masksNode)
            self._updateAll()

    def onEditButton(self) -> None:
        sequence = self._contours.source.sequence
        p = self.parameters
        volume = CineSource(p.cine).volumeNode() if p.cine is not None else None
        segment = self._contours.structures["myocardium"]
        self._contours.show(self._slice, self._frame())
        try:
            SegmentEditorLink.show(
                self._contours.masksNode, segment, volume, sequence.sequenceNode, sequence.browserNode
            )
        except InputError as error:
            self.showMessage(str(error))
