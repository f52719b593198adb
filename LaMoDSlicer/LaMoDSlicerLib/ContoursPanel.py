import json
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.AcceptanceRecord import AcceptanceRecord
from LaMoDSlicerLib.CineSource import CineSource
from LaMoDSlicerLib.ContourFix import ContourFix
from LaMoDSlicerLib.ContourSlices import ContourSlices
from LaMoDSlicerLib.ContourWriter import ContourWriter
from LaMoDSlicerLib.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.FrameFollower import FrameFollower
from LaMoDSlicerLib.FrameStrip import FrameStrip
from LaMoDSlicerLib.InputError import InputError
from LaMoDSlicerLib.SegmentEditorLink import SegmentEditorLink


class ContoursPanel:
    """Contours checked, accepted, mended and carried; nothing is read or changed without a click.

    Args:
        owner: the module's widget: its resources and its layout.
    """

    CARRIED = "LaMoD.Carried"

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/ContoursPanel.ui"))
        owner.layout.addWidget(self.widget)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._parameters: Any = None
        self._masksId = ""
        self._contours: ContourSlices | None = None
        self._report: Any = None
        self._slice = 0
        self._writer = ContourWriter()
        self._follower = FrameFollower(self._onFrame)
        ui = self._ui
        self.strip = FrameStrip(ui.stripTable, self.onStripClicked)
        ui.stripLegend.text = FrameStrip.legend()
        for fix in ContourFix:
            ui.fixSelector.addItem(fix.label(), fix.value)
        ui.checkButton.connect("clicked(bool)", self.onCheckButton)
        ui.acceptButton.connect("clicked(bool)", self.onAcceptButton)
        ui.editButton.connect("clicked(bool)", self.onEditButton)
        ui.fixButton.connect("clicked(bool)", self.onFixButton)
        ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        ui.carryButton.connect("clicked(bool)", self.onCarryButton)
        self._shortcut = qt.QShortcut(qt.QKeySequence("A"), self.widget)
        self._shortcut.connect("activated()", self.onAcceptButton)
        self.update()

    @property
    def ui(self) -> Any:
        """The panel's widgets by name."""
        return self._ui

    @property
    def report(self) -> Any:
        """What the last check found (a LaMoDCore ContourReport), or None."""
        return self._report

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self.update()

    def update(self) -> None:
        """Enable what can be clicked; forget the report of masks that are no longer chosen."""
        p = self._parameters
        masks = p.masks if p is not None else None
        masksId = masks.GetID() if masks is not None else ""
        if masksId != self._masksId:
            self._masksId = masksId
            self._forget()
        checked = self._report is not None
        self._ui.checkButton.enabled = masks is not None
        tip = _("Look at every frame of every slice") if masks is not None else _("Choose the myocardium masks first.")
        self._ui.checkButton.toolTip = tip
        for button in (self._ui.acceptButton, self._ui.editButton, self._ui.fixButton, self._ui.carryButton):
            button.enabled = checked
        undo = self._writer.lastStep
        self._ui.undoButton.enabled = bool(undo)
        self._ui.undoButton.toolTip = _("Take back: {step}").format(step=undo) if undo else _("Nothing was changed.")

    def _forget(self) -> None:
        self._contours = self._report = None
        self._slice = 0
        self._writer.forget()
        self._follower.follow(None)
        self.strip.show([], [], [])
        self._say("")

    def _say(self, text: str) -> None:
        self._ui.findingLabel.text = text

    def onCheckButton(self) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be checked."), show=False, waitCursor=True):
                self._check()
        except InputError as error:
            self._forget()
            self._say(str(error))
        self.update()

    def _check(self) -> None:
        CoreLibrary.makeImportable()
        from LaMoDCore.contours.check import check_contours

        self._contours = ContourSlices(self._parameters)
        self._report = check_contours(self._contours.slices(), self._contours.referenceFrame())
        self._slice = min(self._slice, len(self._contours.depths) - 1)
        self._follower.follow(self._contours.source.sequence.browserNode)
        self._showStrip()
        self._showFrame()

    def _holder(self) -> Any:
        sequence = self._contours.source.sequence
        return sequence.sequenceNode or self._contours.masksNode

    def _carried(self) -> dict[str, list[int]]:
        return json.loads(self._holder().GetAttribute(self.CARRIED) or "{}")

    def _showStrip(self) -> None:
        record, carried = AcceptanceRecord(self._holder()), self._carried()
        states, tips = [], []
        for k, slice_ in enumerate(self._contours.slices()):
            rowStates, rowTips = [], []
            for t, light in enumerate(self._report.lights(k)):
                accepted = record.of(slice_.name, t, slice_.myocardium[t])
                state = light.value
                words = [f"{slice_.name}, " + _("frame {t}: {state}").format(t=t + 1, state=state)]
                if state == "good" and t in carried.get(slice_.name, []):
                    state = "carried"
                    words.append(_("Carried by the cine, not drawn."))
                words += [finding.sentence for finding in self._report.of(k, t)]
                if accepted is not None:
                    state = "accepted"
                    words.append(_("Accepted by {who}, {when}").format(who=accepted["who"], when=accepted["when"]))
                rowStates.append(state)
                rowTips.append("\n".join(words))
            states.append(rowStates)
            tips.append(rowTips)
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
        self._say("\n".join([*lines, *(f"• {finding.sentence}" for finding in findings)]))

    def _onFrame(self, _frame: int) -> None:
        if self._report is not None:
            self._showFrame()

    def onStripClicked(self, sliceIndex: int, frame: int) -> None:
        self._slice = sliceIndex
        self._contours.show(sliceIndex, frame)
        self._showFrame()

    def onAcceptButton(self) -> None:
        """Accept what is shown, and go to the next frame that somebody must look at."""
        if self._report is None:
            return
        frame = self._frame()
        slice_ = self._contours.slices()[self._slice]
        AcceptanceRecord(self._holder()).accept(slice_.name, frame, slice_.myocardium[frame])
        self._showStrip()
        following = self.strip.next(self._slice, frame)
        if following is None:
            self._showFrame()
            self._say(_("Every frame is good or accepted."))
            return
        self.onStripClicked(*following)

    def onEditButton(self) -> None:
        sequence = self._contours.source.sequence
        p = self._parameters
        volume = CineSource(p.cine).volumeNode() if p.cine is not None else None
        segment = self._contours.structures["myocardium"]
        self._contours.show(self._slice, self._frame())
        try:
            SegmentEditorLink.open(
                self._contours.masksNode, segment, volume, sequence.sequenceNode, sequence.browserNode
            )
        except InputError as error:
            self._say(str(error))

    def onFixButton(self) -> None:
        fix = ContourFix(self._ui.fixSelector.itemData(self._ui.fixSelector.currentIndex))
        keep = self._endFrames()
        self._change(fix.label(), lambda slice_: fix.apply(slice_, keep))

    def onCarryButton(self) -> None:
        """Frames without a contour get one from those that have, by the cine."""
        CoreLibrary.makeImportable()
        from LaMoDCore.contours.carrying import carry_contours

        marked: dict[str, list[int]] = {}

        def carry(slice_: Any) -> Any:
            result = carry_contours(slice_, on_progress=lambda _share: slicer.app.processEvents())
            marked[slice_.name] = [int(t) for t in np.flatnonzero(~result.drawn)]
            return result.slice

        if self._change(_("Carry contours"), carry):
            before = self._carried()
            self._holder().SetAttribute(self.CARRIED, json.dumps({**before, **marked}, sort_keys=True))
            self._showStrip()
            self._showFrame()

    def _endFrames(self) -> tuple[int, ...]:
        """End-diastole and end-systole."""
        from LaMoDCore.ring import cavity_area_mm2

        slices = self._contours.slices()
        area = np.sum([cavity_area_mm2(s.myocardium, s.grid.spacing_mm) for s in slices], axis=0)
        return (self._contours.referenceFrame(), int(np.argmin(np.where(area > 0, area, np.inf))))

    def _change(self, name: str, mend: Any) -> bool:
        """Mend every slice as one step, and check again; says what became of it."""
        from LaMoDCore.errors import LaMoDInputError

        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be mended."), show=False, waitCursor=True):
                self._contours = ContourSlices(self._parameters)
                changed = self._writer.write(name, self._contours, [mend(s) for s in self._contours.slices()])
                self._check()
        except (InputError, LaMoDInputError) as error:
            self._say(str(error))
            return False
        self.update()
        if changed:
            frames = ", ".join(str(t + 1) for t in changed[:8]) + (" …" if len(changed) > 8 else "")
            self._say(
                _("{name}: changed frame {frames}. The original is kept; Undo takes it back.").format(
                    name=name, frames=frames
                )
            )
        else:
            self._say(_("{name}: there was nothing to change.").format(name=name))
        return bool(changed)

    def onUndoButton(self) -> None:
        step = self._writer.undo()
        if step:
            self._check()
            self._say(_("Taken back: {step}.").format(step=step))
        self.update()
