from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours import FrameStates
from LaMoDSlicerLib.Contours.FrameState import FrameState
from LaMoDSlicerLib.Contours.FrameStrip import FrameStrip
from LaMoDSlicerLib.Inputs.AcceptanceRecord import AcceptanceRecord
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Widgets import Numbering, PanelWidgets


class ReviewSection:
    """The frames to review: their number, the strip, previous and next, accepting and withdrawing an acceptance.

    Args:
        ui: the panel's widgets by name.
        panel: the ContoursPanel.
    """

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._states: list[list[FrameState]] = []
        self.strip = FrameStrip(ui.stripTable, panel.onStripClicked)
        self._title = ui.contoursButton.text
        ui.contoursButton.connect("contentsCollapsed(bool)", lambda _collapsed: self._showTitle())
        # a fixed height, so that the buttons below stay where they are
        ui.stripLegend.setFixedHeight(2 * ui.stripLegend.fontMetrics().lineSpacing() + 2)
        ui.previousButton.connect("clicked(bool)", self.onPreviousButton)
        ui.nextButton.connect("clicked(bool)", self.onNextButton)
        ui.acceptButton.connect("clicked(bool)", self.onAcceptButton)
        ui.undoAcceptButton.connect("clicked(bool)", self.onUndoAcceptButton)
        ui.acceptAllButton.connect("clicked(bool)", self.onAcceptAllButton)
        self.shortcuts = {
            "A": self._shortcut("A", self.onAcceptButton),
            "U": self._shortcut("U", self.onUndoAcceptButton),
            "N": self._shortcut("N", self.onNextButton),
            "P": self._shortcut("P", self.onPreviousButton),
        }

    def _shortcut(self, key: str, slot: Any) -> Any:
        shortcut = qt.QShortcut(qt.QKeySequence(key), self._panel.widget)
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)  # not while typing elsewhere in Slicer
        shortcut.connect("activated()", slot)
        return shortcut

    @property
    def states(self) -> list[list[FrameState]]:
        """By slice and frame; empty until the contours are checked."""
        return self._states

    def read(self) -> None:
        """Read the states of the panel's check, if it is complete, and show them."""
        check = self._panel.check
        try:
            self._states = FrameStates.statesOf(check) if self._panel.report is not None else []
        except InputError as error:
            self._states = []
            self._panel.showMessage(str(error))
        numbers = [str(number) for number in check.contours.numbers] if self._states else []
        states = [[frame.state for frame in row] for row in self._states]
        self.strip.show(numbers, states, [[frame.tip for frame in row] for row in self._states])
        self._ui.stripLegend.text = self.strip.legend()
        self._ui.reviewLabel.text = self.summary()
        self._showTitle()

    def _showTitle(self) -> None:
        """Name the section; while it is closed, with the number of frames to review."""
        button, summary = self._ui.contoursButton, self.summary()
        isNamed = button.collapsed and summary
        if isNamed and self._states and self._panel.isOneOfSeveral(self._panel.masks):
            numbers = [number - 1 for number in self._panel.contours.numbers]
            summary = _("{summary} ({slices})").format(summary=summary, slices=Numbering.slices(numbers))
        button.text = f"{self._title}: {summary}" if isNamed else self._title
        button.toolTip = button.text if isNamed else ""

    def openIfNeeded(self) -> bool:
        """Open the section if contours must be repaired, until which nothing can be predicted; returns whether."""
        isNeeded = any(frame.mustBeRepaired for row in self._states for frame in row)
        if isNeeded:
            self._ui.contoursButton.collapsed = False
        return isNeeded

    def summary(self) -> str:
        """How many frames are to be reviewed, with a sign."""
        if self._panel.check is None:
            return ""
        if not self._states:
            return _("Checking the contours …")
        frames = [frame for row in self._states for frame in row]
        toReview = sum(frame.state in FrameStates.TO_REVIEW for frame in frames)
        toRepair = sum(frame.mustBeRepaired for frame in frames)
        if not toReview:
            return _("✓ No frame to review")
        text = _("? {n} frame to review") if toReview == 1 else _("? {n} frames to review")
        if toRepair:
            text = _("✕ {n} frame to review") if toReview == 1 else _("✕ {n} frames to review")
            text += _(" ({repair} to repair)")
        return text.format(n=toReview, repair=toRepair)

    def current(self) -> FrameState | None:
        """The state of the current frame, or None."""
        k, t = self._panel.sliceIndex, self._panel.frame
        return self._states[k][t] if k < len(self._states) and t < len(self._states[k]) else None

    def update(self) -> None:
        """Enable the controls; the tooltip of a disabled button says why."""
        self._updateFrameButtons()
        self._updateAcceptAll(self._panel.checkProblem())

    def _updateFrameButtons(self) -> None:
        """Enable the buttons that depend on the shown frame; called at every frame of a playback."""
        ui, problem, current = self._ui, self._panel.checkProblem(), self.current()
        any_ = any(frame.state in FrameStates.TO_REVIEW for row in self._states for frame in row)
        none = problem or ("" if any_ else _("There is no frame to review."))
        PanelWidgets.enable(ui.previousButton, none, _("Go to the previous frame to review (key P)"))
        PanelWidgets.enable(ui.nextButton, none, _("Go to the next frame to review (key N)"))
        tip = _("Accept this frame's contour and go to the next frame to review (key A)")
        PanelWidgets.enable(ui.acceptButton, problem or self._acceptProblem(current), tip)
        isAccepted = current is not None and current.state in FrameStates.ACCEPTED
        tip = _("Withdraw the acceptance of this frame (key U)")
        PanelWidgets.enable(ui.undoAcceptButton, problem or ("" if isAccepted else _("It is not accepted.")), tip)

    @staticmethod
    def _acceptProblem(current: FrameState | None) -> str:
        if current is not None and current.mustBeRepaired:
            return _("This frame cannot be accepted: no strain can be computed from its contour. Repair or edit it.")
        return ""

    def _updateAcceptAll(self, problem: str) -> None:
        button, masks = self._ui.acceptAllButton, self._panel.masks
        origin = ContourOriginRecord(masks) if masks is not None else None
        isReviewed = False
        if not problem and (origin is None or not origin.exists):
            problem = _("These contours were not drawn automatically.")
        elif not problem and origin is not None:
            try:
                isReviewed = origin.isReviewed()
            except InputError as error:
                problem = str(error)
        button.text = _("Undo accept all") if isReviewed else _("Accept all")
        tip = _("Record that you looked at the automatic contours of all frames and accept them")
        if isReviewed:
            tip = _("All contours are reviewed. Withdraw the acceptance of all frames")
        PanelWidgets.enable(button, problem, tip)

    def showFrame(self) -> None:
        """Mark the current frame in the strip and list its findings."""
        k, t = self._panel.sliceIndex, self._panel.frame
        self.strip.mark(k, t)
        state = self.current()
        if state is None:
            return
        lines = state.tip.split("\n")
        undrawn = sum(not drawn for row in self._panel.check.isDrawn for drawn in row)
        if undrawn:
            text = _("Frames without contours: {n}. “Carry to empty frames” carries the drawn ones to them.")
            if not self._panel.check.contours.hasCine:
                text = _("Frames without contours: {n}. Draw them, or repair short gaps by “Fill missing frames”.")
            lines.append(text.format(n=undrawn))
        lines[0] = f"{FrameStrip.symbolOf(state.state)} {lines[0]}"
        text = "\n".join([lines[0], *(f"• {line}" for line in lines[1:])])
        self._panel.showMessage(self._panel.notice or text)
        self._updateFrameButtons()

    def onPreviousButton(self) -> None:
        self._go(-1)

    def onNextButton(self) -> None:
        self._go(1)

    def _go(self, step: int) -> None:
        if self._panel.checkProblem():
            return
        found = self.strip.next(self._panel.sliceIndex, self._panel.frame, FrameStates.TO_REVIEW, step)
        if found is not None:
            self._panel.onStripClicked(*found)
        else:
            self._panel.goOn()
            self._panel.showNotice(_("Every frame is good or accepted."))

    def onAcceptButton(self) -> None:
        """Accept the current contour and go to the next frame to review."""
        current = self.current()
        if current is None or self._panel.checkProblem():
            return
        if self._acceptProblem(current):
            self._panel.showNotice(self._acceptProblem(current))
            return
        contours, k, t = self._panel.contours, self._panel.sliceIndex, self._panel.frame
        depth = contours.depths[k]
        AcceptanceRecord(contours.holder()).accept(depth, t, contours.myocardium(k, t))
        record = ContourOriginRecord(contours.masksNode)
        record.accept(contours.frames.geometry, depth, t)
        self._afterReview(record)
        self._go(1)

    def onUndoAcceptButton(self) -> None:
        """Withdraw the acceptance of the current frame."""
        current = self.current()
        if current is None or current.state not in FrameStates.ACCEPTED:
            return
        contours, k, t = self._panel.contours, self._panel.sliceIndex, self._panel.frame
        depth = contours.depths[k]
        AcceptanceRecord(contours.holder()).withdraw(depth, t)
        record = ContourOriginRecord(contours.masksNode)
        record.withdrawReview(contours.frames.geometry, depth, t)
        self._afterReview(record)
        self.showFrame()

    def onAcceptAllButton(self) -> None:
        """Mark the automatic contours of all frames as reviewed, or withdraw this; frames to repair are left out."""
        contours = self._panel.contours
        record = ContourOriginRecord(contours.masksNode)
        if record.isReviewed():
            record.withdrawReviews()
            AcceptanceRecord(contours.holder()).withdrawAll()
            text = _("The acceptance of all frames is withdrawn.")
        else:
            left = [
                (contours.depths[k], t)
                for k, row in enumerate(self._states)
                for t, frame in enumerate(row)
                if frame.mustBeRepaired
            ]
            record.acceptAll(left)
            text = _("The automatic contours of all frames are marked as reviewed.")
            if left:
                k, frames = contours.depths.index(left[0][0]), [t for depth, t in left if depth == left[0][0]]
                text = _("All frames are accepted except those to repair, first {slice}, {frames}.")
                text = text.format(slice=self._panel.report.slice_names[k], frames=Numbering.frames(frames))
        self._afterReview(record)
        self._panel.showNotice(text)

    def _afterReview(self, record: ContourOriginRecord) -> None:
        """Show the states again; once all automatic contours are reviewed, the results of these contours state it."""
        if record.exists:
            ResultContours.markReviewed(self._panel.contours.masksNode, record.isReviewed())
        self.read()
        self._panel.reviewed()
