from collections.abc import Callable
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours import ContourReview
from LaMoDSlicerLib.Contours.ContourCheck import ContourCheck
from LaMoDSlicerLib.Contours.ContourLines import ContourLines
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.FrameStrip import FrameStrip
from LaMoDSlicerLib.Contours.InsertionSection import InsertionSection
from LaMoDSlicerLib.Contours.ReviewSection import ReviewSection
from LaMoDSlicerLib.Contours.StructuresSection import StructuresSection
from LaMoDSlicerLib.Contours.StudySection import StudySection
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Repairs.RepairSection import RepairSection
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Scene import SegmentEditorLink, SliceViews
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower
from LaMoDSlicerLib.Widgets import PanelWidgets


class ContoursPanel:
    """Checks, accepts, repairs and carries contours, which it draws as lines; nothing is changed without a click.

    The masks, their cine and the choice of the myocardium are those of the parameter node.

    Args:
        owner: the module's widget: its resources, its layout, and its update of all panels.
    """

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/ContoursPanel.ui"))
        owner.ui.contoursPlace.layout().addWidget(self.widget)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._updateAll = owner.onModified
        self._isRoomOpen = lambda: owner.readingPanel.ui.roomButton.checked
        self.parameters: Any = None
        #: Returns the number on screen of each slice of masks, by its index in their volume; {} to count from the base.
        self.sliceNumbers: Callable[[Any], dict[int, int]] = lambda _masks: {}
        #: Returns whether the heart also has slices of other masks.
        self.isOneOfSeveral: Callable[[Any], bool] = lambda _masks: False
        self._check: ContourCheck | None = None
        self._shown = ""
        self._opened: set[str] = set()
        self._isNew = False
        self._slice = 0
        self._frameAlone = 0
        #: The sentence of `showNotice`.
        self.notice = ""
        self._follower = FrameFollower(self._onFrame)
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._onTimeout)
        self._isReleased = False
        ui = self._ui
        PanelWidgets.reserveLines(ui.findingLabel, 4)
        self.lines = ContourLines(ui, self)
        self.review = ReviewSection(ui, self)
        self.structuresSection = StructuresSection(ui, self)
        self.repair = RepairSection(ui, self)
        self.insertion = InsertionSection(ui, self)
        self.study = StudySection(ui, self)
        ui.contoursButton.connect("contentsCollapsed(bool)", self._onCollapsed)
        ui.checkButton.connect("clicked(bool)", self.onCheckButton)
        ui.editButton.connect("clicked(bool)", self.onEditButton)
        self.update()

    @property
    def ui(self) -> Any:
        """The panel's widgets by name."""
        return self._ui

    @property
    def masks(self) -> Any:
        """The selected masks, or None."""
        return self.parameters.masks if self.parameters is not None else None

    @property
    def check(self) -> ContourCheck | None:
        """The check of the selected masks, which may be incomplete, or None."""
        return self._check

    @property
    def report(self) -> Any:
        """The findings (a LaMoDCore ContourReport), or None until the check is complete."""
        return self._check.report if self._check is not None else None

    @property
    def contours(self) -> ContourSlices | None:
        """The contours that are checked, or None."""
        return self._check.contours if self._check is not None else None

    @property
    def strip(self) -> FrameStrip:
        return self.review.strip

    @property
    def sliceIndex(self) -> int:
        """The current slice of `contours`, counted from 0 at the base."""
        return self._slice

    @property
    def frame(self) -> int:
        """The shown frame, counted from 0."""
        browsers = self.contours.browsers() if self.contours is not None else []
        return max(browsers[0].GetSelectedItemNumber(), 0) if browsers else self._frameAlone

    @property
    def isBusy(self) -> bool:
        """Whether contours are being checked or repaired."""
        return bool(self._timer.active) or self.repair.job is not None

    @property
    def holdsWork(self) -> bool:
        """Whether selecting other masks would discard something: a running job, its tables, or a step to undo."""
        return self.repair.holdsWork or self.study.study is not None or bool(self.study.pages)

    def setParameters(self, parameters: Any) -> None:
        self.parameters = parameters
        if parameters is None:
            self._forget()
            self._opened.clear()
            ContourReview.forget()
            MaskSource.forget()
        self.update()

    def update(self) -> None:
        """Check the selected masks if they are new or changed, and enable the controls."""
        self._follow()
        ui, missing = self._ui, "" if self.masks is not None else _("Select the myocardium masks first.")
        PanelWidgets.enable(ui.checkButton, missing, _("Check every frame of every slice again"))
        tip = _("Open the Segment Editor on this frame's myocardium")
        PanelWidgets.enable(ui.editButton, self.checkProblem(), tip)
        for section in (self.review, self.structuresSection, self.repair, self.insertion, self.study, self.lines):
            section.update()

    def _follow(self) -> None:
        """Follow the selection and changes of the masks, for example in the Segment Editor."""
        p, masks = self.parameters, self.masks
        if masks is None:
            if self._check is not None or self._shown:
                self._forget()
            return
        if self.repair.job is not None and self._shown == masks.GetID():
            return  # it writes the contours at its end
        if self._shown != masks.GetID():
            self._forget()
            self._shown, self._isNew = masks.GetID(), not ResultNode.all()
        try:
            check = ContourReview.checkOf(masks, p.cine, p.myocardium, self.sliceNumbers(masks))
        except InputError as error:
            self._setCheck(None)
            self.showMessage(str(error))
            return
        if check is not self._check:
            self._setCheck(check)

    def _setCheck(self, check: ContourCheck | None) -> None:
        self._check = check
        self._timer.stop()
        self._slice = min(self._slice, len(check.contours.depths) - 1) if check is not None else 0
        browsers = check.contours.browsers() if check is not None else []
        self._follower.follow(browsers[0] if browsers else None)
        self.review.read()
        if check is None:
            self._ui.segmentsCheckBox.checked = False
            return
        self.insertion.contoursChanged()
        self.lines.look()
        if self._isNew:
            self._isNew = False
            self._zoom(len(check.contours.depths) // 2)
        if check.report is None:
            self.showMessage(self.notice)
            self._timer.start()
        else:
            self._openOnce()
            self.review.showFrame()

    def _openOnce(self) -> None:
        """Open the section if the contours must be repaired; a person who closed it for these masks keeps it closed."""
        if self._shown not in self._opened and self.review.openIfNeeded():
            self._opened.add(self._shown)

    def _onCollapsed(self, collapsed: bool) -> None:
        if not collapsed:
            self.update()
        elif self._shown:
            self._opened.add(self._shown)

    def _onTimeout(self) -> None:
        """Check the next slice; the table of the heart may have completed the same check."""
        if self._check is None or self.masks is not self._check.contours.masksNode:
            self._timer.stop()
            return
        try:
            isComplete = self._check.step()
        except Exception:  # a timer would repeat it without end
            self._timer.stop()
            self.showMessage(_("The contours could not be checked: see the error log, and report it."))
            raise
        if isComplete:
            self._onChecked()

    def _onChecked(self) -> None:
        self._timer.stop()
        self.review.read()
        self._openOnce()
        self.review.showFrame()
        self.update()
        self._updateAll()

    def checkProblem(self) -> str:
        """Why contours cannot be accepted, edited or repaired; empty if they are checked."""
        if self.masks is None:
            return _("Select the myocardium masks first.")
        if self.repair.job is not None:
            return _("A repair is running.")
        return "" if self.report is not None else _("The contours are not checked yet.")

    def structures(self) -> dict[str, str]:
        """The segments or labels of the selected masks that are used."""
        return MaskSource(self.masks).structuresWith(self.parameters.myocardium)

    def structuresChanged(self, structure: str) -> None:
        """Read the masks again after another segment was chosen."""
        if structure == "myocardium" and self.parameters.myocardium:
            self.parameters.myocardium = ""
        self.update()
        self._updateAll()

    def readContours(self) -> ContourSlices:
        """The selected masks as they are now, with the cine.

        Raises:
            InputError: they cannot be read.
        """
        return ContourSlices(self.parameters, numbers=self.sliceNumbers(self.masks))

    def _forget(self) -> None:
        self._shown, self._slice, self._frameAlone, self.notice = "", 0, 0, ""
        self.repair.forget()
        self.study.forget()
        self.lines.forget()
        self._setCheck(None)
        self.showMessage("")

    def showMessage(self, text: str) -> None:
        """Show sentences below the buttons, until the shown frame or its state changes."""
        self._ui.findingLabel.text = text

    def showNotice(self, text: str) -> None:
        """Show a sentence about what a click did, until the person goes on."""
        self.notice = text
        self.showMessage(text)

    def onCheckButton(self) -> None:
        if self.masks is None:
            return
        ContourReview.forget(self.masks)
        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be checked."), show=False, waitCursor=True):
                self.update()
                if self._check is not None:
                    self._check.finish()
                    self._onChecked()
        except InputError as error:
            self._forget()
            self.showMessage(str(error))
        self.lines.turnOn()

    def contoursChanged(self, before: str, old: np.ndarray, frames: list[int]) -> None:
        """Check the contours after a step that changed them; the results of the earlier ones are out of date.

        Args:
            before: name of the earlier contours, for the legend.
            old: bool [T, Z, H, W], the myocardium before the step.
            frames: the changed frames, one of which is shown.
        """
        self.update()
        if self._check is not None:
            self._check.finish()
            self._onChecked()
        self.lines.compare(before, old)
        if frames and self.frame not in frames and self.contours is not None:
            self._show(self._slice, frames[0])
        self._updateAll()

    def reviewed(self) -> None:
        """Update after frames were accepted, or an acceptance was withdrawn."""
        self.goOn()
        self.update()
        self._updateAll()

    def goOn(self) -> None:
        """The person goes on: the contours before the last step are no longer drawn."""
        self.notice = ""
        self.lines.turnOn()
        self.lines.compare("", None)

    def _show(self, sliceIndex: int, frame: int) -> None:
        self._slice, self._frameAlone, self.notice = sliceIndex, frame, ""
        self.contours.show(sliceIndex, frame)
        self.review.showFrame()
        self.insertion.updateSlice()
        self.lines.draw()

    def _onFrame(self, _frame: int) -> None:
        self.notice = ""
        if self._check is not None:
            self.lines.draw()
        if self.report is not None:
            self.review.showFrame()

    def onStripClicked(self, sliceIndex: int, frame: int) -> None:
        """Go to a frame of a slice."""
        if self.contours is not None:
            self.goOn()
            self._show(sliceIndex, frame)

    def showDepth(self, depth: int, zoomed: bool = False) -> None:
        """Make a slice of the masks' volume the current one, at the shown frame.

        Args:
            depth: its index.
            zoomed: whether to zoom the red view to its contours.
        """
        if self.contours is not None and depth in self.contours.depths:
            index = self.contours.depths.index(depth)
            if zoomed:
                self._zoom(index)
            self._show(index, self.frame)

    def showCine(self) -> None:
        """Show the cine of the masks in the slice views, which show another series, unless the reading room directs
        them."""
        cine = self.parameters.cine
        if cine is None or self._isRoomOpen():
            return
        volume, red = CineSource(cine).volumeNode(), slicer.app.layoutManager().sliceWidget("Red")
        if red.mrmlSliceCompositeNode().GetBackgroundVolumeID() != volume.GetID():
            SliceViews.lookAt(volume)
            self._zoom(self._slice)
            self._updateAll()

    def _zoom(self, index: int) -> None:
        """Zoom the red view to the contours of a slice."""
        SliceViews.zoomAt(self.contours.centerRas(index), self.contours.sizeMm(index))

    def onEditButton(self) -> None:
        sequence = self.contours.source.sequence
        p = self.parameters
        volume = CineSource(p.cine).volumeNode() if p.cine is not None else None
        segment = self.contours.structures["myocardium"]
        self._show(self._slice, self.frame)
        self.lines.leave()
        try:
            SegmentEditorLink.show(
                self.contours.masksNode, segment, volume, sequence.sequenceNode, sequence.browserNode
            )
        except InputError as error:
            self.lines.enter()
            self.showMessage(str(error))

    def enter(self) -> None:
        """Draw the contours again after another module was shown."""
        self.lines.enter()

    def leave(self) -> None:
        """Remove the lines from the views, because another module is shown."""
        self.lines.leave()

    def cleanup(self) -> None:
        """Stop everything because the module is unloaded; Slicer unloads a module that was reloaded twice."""
        self._forget()
        if not self._isReleased:
            self._isReleased = True
            self._timer.disconnect("timeout()", self._onTimeout)
