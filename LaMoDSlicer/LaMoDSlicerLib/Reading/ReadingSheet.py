from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Reading.AgreementPicture import AgreementPicture
from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture, BullseyeQuantity, BullseyeRing
from LaMoDSlicerLib.Reading.ClickablePicture import ClickablePicture
from LaMoDSlicerLib.Reading.IndexTable import IndexTable
from LaMoDSlicerLib.Reading.PlotClicks import PlotClicks
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable
from LaMoDSlicerLib.Reading.StrainCurvesPlot import StrainCurvesPlot
from LaMoDSlicerLib.Reading.StrainMatrixPicture import StrainMatrixPicture
from LaMoDSlicerLib.Results import ResultContours
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers, SliceNumbers
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower
from LaMoDSlicerLib.Widgets import TableCopy


class ReadingSheet:
    """The numbers of one result: notes, bullseye, tables, strain matrix and curves.

    Args:
        uiFile: ReadingSheet.ui.
        onSlice: called with the index of the selected slice, to show its images.
    """

    def __init__(self, uiFile: str, onSlice: Callable[[int], None]) -> None:
        self.widget = slicer.util.loadUI(uiFile)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._onSlice = onSlice
        self._node: ResultNode | None = None
        self._numbers: ResultNumbers | None = None
        self._comparison: ResultComparison | None = None
        self._plot: StrainCurvesPlot | None = None
        self._slice, self._chosen = 0, None
        self._follower = FrameFollower(self.onFrame)
        self._clicks = PlotClicks(self.onTime)
        ui = self._ui
        for name, text in (("ecc", _("Ecc curves")), ("err", _("Err curves"))):
            ui.curveSelector.addItem(text, name)
        for i, quantity in enumerate(BullseyeQuantity):
            ui.bullseyeSelector.addItem(quantity.label(), quantity.value)
            ui.bullseyeSelector.setItemData(i, quantity.definition, qt.Qt.ToolTipRole)
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
        for table in (ui.segmentsTable, ui.indicesTable):
            TableCopy.enable(table)
        ui.sliceSelector.connect("activated(int)", self.setSlice)
        ui.previousSliceButton.connect("clicked(bool)", lambda _checked=False: self.setSlice(self._slice - 1))
        ui.nextSliceButton.connect("clicked(bool)", lambda _checked=False: self.setSlice(self._slice + 1))
        ui.curveSelector.connect("activated(int)", lambda _index: self.onChoice())
        ui.bandsCheckBox.connect("toggled(bool)", lambda _checked: self.onChoice())
        ui.bullseyeSelector.connect("activated(int)", lambda _index: self.onChoice())
        ui.perSliceCheckBox.connect("toggled(bool)", lambda _checked: self.onChoice())
        ui.tabs.connect("currentChanged(int)", lambda _index: self.redraw())

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
            self._ui.notesLabel.text = _("There is no result yet: select masks and click Predict Strain.")
            self._ui.sliceSelector.clear()
            return
        self._plot = StrainCurvesPlot()
        self._restoreChoices(node)
        notes = ResultNotes(self._numbers, ResultContours.isOutOfDate(node))
        self._ui.notesLabel.text = notes.html()
        self._ui.notesLabel.toolTip = notes.plain()
        self._fillTable(self._ui.segmentsTable, list(SegmentTable.COLUMNS), SegmentTable(self._numbers).rows())
        for column, definition in enumerate(SegmentTable.COLUMNS.values()):
            self._ui.segmentsTable.horizontalHeaderItem(column).setToolTip(definition)
        indices = IndexTable(self._numbers)
        self._fillTable(self._ui.indicesTable, indices.titles, indices.rows())
        # the table of an earlier comparison would keep the sheet wide
        self._ui.agreementLabel.text = comparison.html() if comparison is not None else ""
        self._ui.tabs.setTabEnabled(self._ui.tabs.indexOf(self._ui.agreementTab), comparison is not None)
        self.setSlice(min(int(node.remembered("Slice", "0")), len(self._numbers.slices) - 1))

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

    @staticmethod
    def _fillTable(table: Any, titles: list[str], rows: list[Any]) -> None:
        table.setRowCount(len(rows))
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(r, c, item)
        table.verticalHeader().hide()
        table.resizeColumnsToContents()
        table.resizeRowsToContents()

    def setSlice(self, index: int) -> None:
        """Show another slice: curves, strain matrix and images."""
        if self._numbers is None or not 0 <= index < len(self._numbers.slices):
            return
        self._slice = index
        self._node.remember("Slice", str(index))
        ui = self._ui
        ui.sliceSelector.currentIndex = index
        ui.previousSliceButton.enabled = index > 0
        ui.nextSliceButton.enabled = index < len(self._numbers.slices) - 1
        self._follower.follow(self._node.browsers()[index])
        self.redraw()
        self._onSlice(index)

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

    def attach(self) -> None:
        """Use the plot view of a new layout: show the curves there and observe clicks."""
        if self._plot is not None:
            self._plot.showInLayout(force=True)
            self._clicks.attach()

    def close(self) -> None:
        """Release the scene and the views."""
        self.setResult(None)

    def _drawCurves(self) -> None:
        ui = self._ui
        second = self._comparison.sliceFor(self._slice) if self._comparison is not None else None
        name = ui.curveSelector.currentData
        frame = min(self._follower.frame, self._numbers.numberOfFrames - 1)
        self._plot.show(self.slice, name, frame, self._chosen, ui.bandsCheckBox.checked, second)
        self._plot.showInLayout()

    def onFrame(self, frame: int) -> None:
        """The browser shows another frame."""
        if self._numbers is not None and frame < self._numbers.numberOfFrames:
            self._plot.moveMark(float(self.slice.timesMs[frame]))
            self._showFrame(frame)

    def _showFrame(self, frame: int) -> None:
        width, height = self.matrix.pictureSize
        if width and frame < len(self.slice.timesMs):
            box = StrainMatrixPicture.BOX
            column = StrainMatrixPicture(self.slice, 0).columnOf(self.slice.timesMs[frame], width)
            self.matrix.setMark(column, (1 - box[1] - box[3]) * height, (1 - box[1]) * height)

    def onTime(self, timeMs: float) -> None:
        """Go to the frame at a time that was clicked."""
        browser = self._node.browsers()[self._slice] if self._node is not None else None
        if browser is not None:
            browser.SetSelectedItemNumber(self.slice.frameAt(timeMs))

    def onMatrixClicked(self, x: float, _y: float) -> None:
        if self._numbers is not None:
            self.onTime(StrainMatrixPicture(self.slice, 0).timeAt(x, self.matrix.pictureSize[0]))

    def onBullseyeClicked(self, x: float, y: float) -> None:
        """Highlight the clicked segment; a second click, or a click outside the rings, removes the highlight."""
        if self._numbers is None:
            return
        rings = self._rings()
        found = BullseyePicture(rings, self._quantity).segmentAt(x, y, self.bullseye.pictureSize)
        chosen = found[1] if found is not None else None
        members = rings[found[0]].slices if found is not None else (self._slice,)
        if self._slice not in members:
            self._chosen = chosen
            self.setSlice(members[0])
            return
        self._chosen = None if chosen == self._chosen else chosen
        self.redraw()

    @property
    def _quantity(self) -> BullseyeQuantity:
        return BullseyeQuantity(self._ui.bullseyeSelector.currentData)

    def _rings(self) -> list[BullseyeRing]:
        return BullseyeRing.ofNumbers(self._numbers, self._quantity, self._ui.perSliceCheckBox.checked)

    def _drawBullseye(self, path: Path, size: tuple[int, int]) -> None:
        if self._numbers is None:
            return
        rings = self._rings()
        ring = next((i for i, r in enumerate(rings) if self._slice in r.slices), 0)
        gcs = self._numbers.summary["global"].get("gcs_peak")
        middle = "" if gcs is None else f"GCS\n{100 * gcs:+.1f} %".replace("-", "−")
        chosen = None if self._chosen is None else (ring, self._chosen)
        BullseyePicture(rings, self._quantity).draw(path, size, chosen, middle if self._quantity.isStrain else "")

    def _drawMatrix(self, path: Path, size: tuple[int, int]) -> None:
        if self._numbers is not None:
            StrainMatrixPicture(self.slice, self._numbers.referenceFrame).draw(path, size)
            self._showFrame(self._follower.frame)

    def _drawAgreement(self, path: Path, size: tuple[int, int]) -> None:
        if self._comparison is not None:
            AgreementPicture(self._comparison).draw(path, size)
