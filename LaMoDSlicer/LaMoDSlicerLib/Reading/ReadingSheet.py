from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import LongAxisTables
from LaMoDSlicerLib.Reading.AgreementPicture import AgreementPicture
from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture, BullseyeQuantity, BullseyeRing
from LaMoDSlicerLib.Reading.ClickablePicture import ClickablePicture
from LaMoDSlicerLib.Reading.FrameControls import FrameControls
from LaMoDSlicerLib.Reading.PictureCanvas import PictureStyle
from LaMoDSlicerLib.Reading.PlotClicks import PlotClicks
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Reading.SheetTables import SheetTables
from LaMoDSlicerLib.Reading.StrainCurvesPlot import StrainCurvesPlot
from LaMoDSlicerLib.Reading.StrainMatrixPicture import StrainMatrixPicture
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers, SliceNumbers
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Widgets.FittedTextBox import FittedTextBox


class ReadingSheet:
    """The numbers of one result: notes, bullseye, tables, strain matrix and curves.

    Args:
        uiFile: ReadingSheet.ui.
        onSlice: called with the index of the selected slice, to show its images.
        onSegment: called with the index of the slice and that of its selected segment, or None, to outline it.
        showMessage: called with a sentence for the user.
    """

    #: Position of the box of notes in the sheet's layout, and its share; the tabs have three shares.
    NOTES_POSITION, NOTES_STRETCH = 3, 1

    def __init__(
        self,
        uiFile: str,
        onSlice: Callable[[int], None],
        onSegment: Callable[[int, int | None], None],
        showMessage: Callable[[str], None],
    ) -> None:
        self.widget = slicer.util.loadUI(uiFile)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._onSlice, self._onSegment = onSlice, onSegment
        self._node: ResultNode | None = None
        self._numbers: ResultNumbers | None = None
        self._comparison: ResultComparison | None = None
        self._plot: StrainCurvesPlot | None = None
        self._slice = 0
        self._chosen: int | None = None
        self._follower = FrameFollower(self.onFrame)
        self._clicks = PlotClicks(self.onTime)
        ui = self._ui
        self._hasLegend = True
        for name, text, tip in (("ecc", _("Ecc"), _("circumferential strain")), ("err", _("Err"), _("radial strain"))):
            ui.curveSelector.addItem(text, name)
            ui.curveSelector.setItemData(ui.curveSelector.count - 1, tip, qt.Qt.ToolTipRole)
        for quantity in BullseyeQuantity:
            if quantity is not BullseyeQuantity.LONGITUDINAL:  # offered with long-axis views only
                self._offer(quantity)
        folder = Path(slicer.app.temporaryPath)
        self.bullseye = ClickablePicture(self._drawBullseye, self.onBullseyeClicked, folder, "lamod-bullseye")
        self.matrix = ClickablePicture(self._drawMatrix, self.onMatrixClicked, folder, "lamod-matrix")
        self.agreement = ClickablePicture(self._drawAgreement, lambda _x, _y: None, folder, "lamod-agreement")
        for picture, place in (
            (self.bullseye, ui.bullseyePlace),
            (self.matrix, ui.matrixPlace),
            (self.agreement, ui.agreementPlace),
        ):
            place.layout().addWidget(picture)
        self.notes = FittedTextBox()
        self.notes.setToolTip(_("Remarks about the result; places and remedies are in the tab Notes"))
        self.widget.layout().insertWidget(self.NOTES_POSITION, self.notes, self.NOTES_STRETCH)
        self.frames = FrameControls(ui, showMessage)
        self.tables = SheetTables(ui, self._onTableSegment)
        ui.sliceSelector.connect("activated(int)", self.setSlice)
        ui.previousSliceButton.connect("clicked(bool)", lambda _checked=False: self.stepSlice(-1))
        ui.nextSliceButton.connect("clicked(bool)", lambda _checked=False: self.stepSlice(1))
        ui.curveSelector.connect("activated(int)", lambda _index: self.onChoice())
        ui.bandsCheckBox.connect("toggled(bool)", lambda _checked: self.onChoice())
        ui.bullseyeSelector.connect("activated(int)", lambda _index: self.onChoice())
        ui.perSliceCheckBox.connect("toggled(bool)", lambda _checked: self.onChoice())
        ui.tabs.connect("currentChanged(int)", lambda _index: self.redraw())

    def _offer(self, quantity: BullseyeQuantity) -> None:
        """Add a quantity to the selector of the bullseye."""
        selector = self._ui.bullseyeSelector
        selector.addItem(quantity.label(), quantity.value)
        selector.setItemData(selector.count - 1, quantity.definition, qt.Qt.ToolTipRole)

    def _offerLongitudinal(self) -> None:
        """Offer longitudinal strain in the bullseye if the result has all 17 segments."""
        selector = self._ui.bullseyeSelector
        index = selector.findData(BullseyeQuantity.LONGITUDINAL.value)
        wanted = LongAxisTables.hasBullseye(self._numbers.summary.get("long_axis") or {})
        if wanted and index < 0:
            self._offer(BullseyeQuantity.LONGITUDINAL)
        elif not wanted and index >= 0:
            selector.removeItem(index)

    @property
    def ui(self) -> Any:
        """The sheet's widgets by name."""
        return self._ui

    @property
    def slice(self) -> SliceNumbers | None:
        """The slice that is shown, or None."""
        return self._numbers.slices[self._slice] if self._numbers is not None else None

    def setResult(self, node: ResultNode | None, comparison: ResultComparison | None = None) -> None:
        """Show a result, and its comparison with a second one; None empties the sheet."""
        self._node, self._comparison, self._chosen = node, comparison, None
        self._numbers = node.numbers() if node is not None else None
        self.widget.enabled = node is not None
        self._follower.follow(None)
        if node is None or self._numbers is None:
            self._plot = None
            self._clicks.detach()
            self.frames.follow(None, None)
            self.notes.showText(_("There is no result yet: select masks and click Predict Strain."))
            self._ui.sliceSelector.clear()
            return
        self._plot = StrainCurvesPlot()
        self._offerLongitudinal()
        self._restoreChoices(node)
        notes = ResultNotes(self._numbers, ResultContours.isOutOfDate(node))
        self.notes.showText(notes.html())
        self.tables.fill(self._numbers, notes)
        # the table of an earlier comparison would keep the sheet wide
        self._ui.agreementLabel.text = comparison.html() if comparison is not None else ""
        self._offerAgreement(comparison is not None)
        self.setSlice(min(int(node.remembered("Slice", "0")), len(self._numbers.slices) - 1))

    def showTab(self, tab: Any, title: str) -> None:
        """Add a tab after the bullseye, if the sheet does not have it."""
        if self._ui.tabs.indexOf(tab) < 0:
            self._ui.tabs.insertTab(1, tab, title)

    def removeTab(self, tab: Any) -> None:
        """Remove a tab that `showTab` added."""
        index = self._ui.tabs.indexOf(tab)
        if index >= 0:
            self._ui.tabs.removeTab(index)

    def _offerAgreement(self, offered: bool) -> None:
        """Show the tab of a comparison only if there is one: the tabs need its space."""
        tabs, tab = self._ui.tabs, self._ui.agreementTab
        index = tabs.indexOf(tab)
        if offered and index < 0:
            tabs.addTab(tab, _("Agreement"))
        elif not offered and index >= 0:
            tabs.removeTab(index)

    def _restoreChoices(self, node: ResultNode) -> None:
        ui = self._ui
        ui.sliceSelector.clear()
        for slice_ in self._numbers.slices:
            ui.sliceSelector.addItem(slice_.label)
        for selector, what in ((ui.curveSelector, "Curves"), (ui.bullseyeSelector, "Bullseye")):
            selector.currentIndex = max(selector.findData(node.remembered(what)), 0)
        for box, what in ((ui.bandsCheckBox, "Bands"), (ui.perSliceCheckBox, "PerSlice")):
            box.blockSignals(True)
            box.checked = node.remembered(what, "yes" if what == "Bands" else "no") == "yes"
            box.blockSignals(False)

    def setSlice(self, index: int) -> None:
        """Show another slice: curves, strain matrix and images."""
        if self._numbers is None or not 0 <= index < len(self._numbers.slices):
            return
        self._slice = index
        if self._chosen is not None and self._chosen >= len(self.slice.segmentNames):
            self._chosen = None
        self._node.remember("Slice", str(index))
        ui = self._ui
        ui.sliceSelector.currentIndex = index
        ui.previousSliceButton.enabled = index > 0
        ui.nextSliceButton.enabled = index < len(self._numbers.slices) - 1
        browser = self._node.browsers()[index]
        self._follower.follow(browser)
        self.frames.follow(browser, self.slice, self._numbers.referenceFrame, self._numbers.endSystole)
        self.redraw()
        self._onSlice(index)
        self._showChosen()

    def stepSlice(self, by: int) -> None:
        """Show the next or previous slice."""
        self.setSlice(self._slice + by)

    def chooseSegment(self, segment: int | None) -> None:
        """Highlight a segment of the slice everywhere; None, or the highlighted one, removes the highlight."""
        if self._numbers is None or (segment is not None and segment >= len(self.slice.segmentNames)):
            return
        self._chosen = None if segment == self._chosen else segment
        self.redraw()
        self._showChosen()

    def _showChosen(self) -> None:
        self.tables.select(self._slice, self._chosen)
        self._onSegment(self._slice, self._chosen)

    def _onTableSegment(self, slice_: int, segment: int | None) -> None:
        """A row of the table of segments was selected; segment is None for the whole slice."""
        if self._numbers is None or (slice_, segment) == (self._slice, self._chosen):
            return
        self._chosen = segment
        if slice_ != self._slice:
            self.setSlice(slice_)
        else:
            self.redraw()
            self._showChosen()

    def onChoice(self) -> None:
        """A selector or check box changed."""
        if self._node is None:
            return
        ui = self._ui
        self._node.remember("Curves", ui.curveSelector.currentData)
        self._node.remember("Bullseye", ui.bullseyeSelector.currentData)
        self._node.remember("Bands", "yes" if ui.bandsCheckBox.checked else "no")
        self._node.remember("PerSlice", "yes" if ui.perSliceCheckBox.checked else "no")
        self.redraw()

    def redraw(self) -> None:
        """Redraw curves and pictures."""
        if self._numbers is None:
            return
        self._drawCurves()
        for picture in (self.bullseye, self.matrix, self.agreement):
            if picture.visible:
                picture.redraw()
        self._showFrame(self._follower.frame)

    def attach(self, hasLegend: bool = True) -> None:
        """Use the plot view of a new layout: show the curves there and observe clicks.

        Args:
            hasLegend: whether the plot is wide enough for a legend.
        """
        self._hasLegend = hasLegend
        if self._plot is not None:
            self._drawCurves()
            self._plot.showInLayout(force=True)
            self._clicks.attach()

    def close(self) -> None:
        """Release the scene and the views."""
        self.setResult(None)

    def _drawCurves(self) -> None:
        ui, numbers = self._ui, self._numbers
        second = self._comparison.sliceFor(self._slice) if self._comparison is not None else None
        frame = min(self._follower.frame, numbers.numberOfFrames - 1)
        self._plot.setMoments(numbers.referenceFrame, numbers.endSystole)
        self._plot.show(
            self.slice,
            ui.curveSelector.currentData,
            frame,
            self._chosen,
            ui.bandsCheckBox.checked,
            second,
            self._hasLegend,
        )
        self._plot.showInLayout()

    def onFrame(self, frame: int) -> None:
        """The browser shows another frame."""
        if self._numbers is not None and frame < self._numbers.numberOfFrames:
            self._plot.moveMark(float(self.slice.timesMs[frame]))
            self._showFrame(frame)

    def _showFrame(self, frame: int) -> None:
        self.frames.onFrame(frame)
        width, height = self.matrix.pictureSize
        if width and frame < len(self.slice.timesMs):
            box = StrainMatrixPicture.BOX
            column = self._matrixPicture().columnOf(self.slice.timesMs[frame], width)
            self.matrix.setMark(column, (1 - box[1] - box[3]) * height, (1 - box[1]) * height)

    def onTime(self, timeMs: float) -> None:
        """Go to the frame at a time that was clicked."""
        if self._node is not None:
            self.frames.goTo(self.slice.frameAt(timeMs))

    def onMatrixClicked(self, x: float, y: float) -> None:
        """Go to the frame at a column, or highlight the segment whose name was clicked."""
        if self._numbers is None:
            return
        picture, size = self._matrixPicture(), self.matrix.pictureSize
        segment = picture.segmentAt(x, y, size)
        if segment is not None:
            self.chooseSegment(segment)
        else:
            self.onTime(picture.timeAt(x, size[0]))

    def onBullseyeClicked(self, x: float, y: float) -> None:
        """Highlight the clicked segment; a second click, or a click outside the rings, removes the highlight."""
        if self._numbers is None:
            return
        rings = self._rings()
        found = BullseyePicture(rings, self._quantity).segmentAt(x, y, self.bullseye.pictureSize)
        chosen = found[1] if found is not None else None
        if self._quantity is BullseyeQuantity.LONGITUDINAL:  # its segments are of no slice
            return
        members = rings[found[0]].slices if found is not None else (self._slice,)
        if self._slice not in members:
            self._chosen = chosen
            self.setSlice(members[0])
        else:
            self.chooseSegment(chosen)

    @property
    def _quantity(self) -> BullseyeQuantity:
        return BullseyeQuantity(self._ui.bullseyeSelector.currentData)

    def _rings(self) -> list[BullseyeRing]:
        if self._quantity is BullseyeQuantity.LONGITUDINAL:
            return BullseyeRing.ofLongAxis(self._numbers.summary["long_axis"])
        return BullseyeRing.ofNumbers(self._numbers, self._quantity, self._ui.perSliceCheckBox.checked)

    def _matrixPicture(self) -> StrainMatrixPicture:
        return StrainMatrixPicture(self.slice, self._numbers.referenceFrame, self._numbers.endSystole)

    def _drawBullseye(self, path: Path, size: tuple[int, int], style: PictureStyle) -> None:
        if self._numbers is None:
            return
        rings = self._rings()
        ring = next((i for i, r in enumerate(rings) if self._slice in r.slices), 0)
        gcs = self._numbers.summary["global"].get("gcs_peak")
        middle = "" if gcs is None else f"GCS\n{Numbering.signed(100 * gcs)} %"
        isOfSlices = self._quantity is not BullseyeQuantity.LONGITUDINAL
        chosen = None if self._chosen is None or not isOfSlices else (ring, self._chosen)
        shown = middle if self._quantity.isStrain else ""
        BullseyePicture(rings, self._quantity).draw(path, size, chosen, shown, style)

    def _drawMatrix(self, path: Path, size: tuple[int, int], style: PictureStyle) -> None:
        if self._numbers is not None:
            self._matrixPicture().draw(path, size, self._chosen, style)
            self._showFrame(self._follower.frame)

    def _drawAgreement(self, path: Path, size: tuple[int, int], style: PictureStyle) -> None:
        if self._comparison is not None:
            AgreementPicture(self._comparison).draw(path, size, style)
