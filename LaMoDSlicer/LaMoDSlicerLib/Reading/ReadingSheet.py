from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Reading.AgreementPicture import AgreementPicture
from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture
from LaMoDSlicerLib.Reading.BullseyeQuantity import BullseyeQuantity
from LaMoDSlicerLib.Reading.BullseyeRing import BullseyeRing
from LaMoDSlicerLib.Reading.ClickablePicture import ClickablePicture
from LaMoDSlicerLib.Reading.Comparison import Comparison
from LaMoDSlicerLib.Reading.IndexTable import IndexTable
from LaMoDSlicerLib.Reading.PlotClicks import PlotClicks
from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable
from LaMoDSlicerLib.Reading.SliceReading import SliceReading
from LaMoDSlicerLib.Reading.StrainCurvesPlot import StrainCurvesPlot
from LaMoDSlicerLib.Reading.StrainMatrixPicture import StrainMatrixPicture
from LaMoDSlicerLib.Reading.TrustWords import TrustWords
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower


class ReadingSheet:
    """The numbers of one result beside its pictures: what to be careful about, bullseye, tables, matrix, curves.

    Args:
        uiFile: ReadingSheet.ui.
        onSlice: called with the index of the slice that was chosen, to show its pictures.
    """

    def __init__(self, uiFile: str, onSlice: Callable[[int], None]) -> None:
        self.widget = slicer.util.loadUI(uiFile)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._onSlice = onSlice
        self._node: ReadingNode | None = None
        self._reading: Reading | None = None
        self._comparison: Comparison | None = None
        self._plot: StrainCurvesPlot | None = None
        self._slice, self._chosen = 0, None
        self._follower = FrameFollower(self.onFrame)
        self._clicks = PlotClicks(self.onTime)
        ui = self._ui
        for name, text in (("ecc", _("Ecc curves")), ("err", _("Err curves"))):
            ui.curveSelector.addItem(text, name)
        for quantity in BullseyeQuantity:
            ui.bullseyeSelector.addItem(quantity.label(), quantity.value)
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
    def slice(self) -> SliceReading | None:
        """What is shown now."""
        return self._reading.slices[self._slice] if self._reading is not None else None

    def setReading(self, node: ReadingNode | None, comparison: Comparison | None = None) -> None:
        """Show a result, with a second one where there is one; None empties the sheet."""
        self._node, self._comparison, self._chosen = node, comparison, None
        self._reading = node.reading() if node is not None else None
        self.widget.enabled = node is not None
        self._follower.follow(None)
        if node is None or self._reading is None:
            self._plot = None
            self._clicks.detach()
            self._ui.trustLabel.text = _("There is no result yet: choose masks and press Predict Strain.")
            self._ui.sliceSelector.clear()
            return
        self._plot = StrainCurvesPlot()
        self._restoreChoices(node)
        words = TrustWords(self._reading)
        self._ui.trustLabel.text = words.html()
        self._ui.trustLabel.toolTip = words.plain()
        self._fillTable(self._ui.segmentsTable, list(SegmentTable.COLUMNS), SegmentTable(self._reading).rows())
        for column, definition in enumerate(SegmentTable.COLUMNS.values()):
            self._ui.segmentsTable.horizontalHeaderItem(column).setToolTip(definition)
        self._fillTable(self._ui.indicesTable, list(IndexTable.TITLES), IndexTable(self._reading).rows())
        # an earlier comparison's table would keep the sheet as wide as it was
        self._ui.agreementLabel.text = comparison.html() if comparison is not None else ""
        self._ui.tabs.setTabEnabled(self._ui.tabs.indexOf(self._ui.agreementTab), comparison is not None)
        self.setSlice(min(int(node.remembered("Slice", "0")), len(self._reading.slices) - 1))

    def _restoreChoices(self, node: ReadingNode) -> None:
        ui = self._ui
        ui.sliceSelector.clear()
        for slice_ in self._reading.slices:
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
        """Show another slice: its curves, its matrix, its pictures."""
        if self._reading is None or not 0 <= index < len(self._reading.slices):
            return
        self._slice = index
        self._node.remember("Slice", str(index))
        ui = self._ui
        ui.sliceSelector.currentIndex = index
        ui.previousSliceButton.enabled = index > 0
        ui.nextSliceButton.enabled = index < len(self._reading.slices) - 1
        self._follower.follow(self._node.browsers()[index])
        self.redraw()
        self._onSlice(index)

    def onChoice(self) -> None:
        """Another quantity, or bands on and off."""
        if self._node is None:
            return
        ui = self._ui
        self._node.remember("Curves", ui.curveSelector.currentData)
        self._node.remember("Bullseye", ui.bullseyeSelector.currentData)
        self._node.remember("Bands", "yes" if ui.bandsCheckBox.checked else "no")
        self._node.remember("PerSlice", "yes" if ui.perSliceCheckBox.checked else "no")
        self.redraw()

    def redraw(self) -> None:
        """Curves and pictures of the slice that is shown."""
        if self._reading is None:
            return
        self._drawCurves()
        for picture in (self.bullseye, self.matrix, self.agreement):
            if picture.visible:
                picture.redraw()
        self._showFrame(self._follower.frame)

    def attach(self) -> None:
        """The layout has (other) views: let the plot view show the curves and listen to clicks in it."""
        if self._plot is not None:
            self._plot.showInLayout(anew=True)
            self._clicks.attach()

    def close(self) -> None:
        """Let go of the scene and the views."""
        self.setReading(None)

    def _drawCurves(self) -> None:
        ui = self._ui
        second = self._comparison.sliceFor(self._slice) if self._comparison is not None else None
        name = ui.curveSelector.currentData
        frame = min(self._follower.frame, self._reading.numberOfFrames - 1)
        self._plot.show(self.slice, name, frame, self._chosen, ui.bandsCheckBox.checked, second)
        self._plot.showInLayout()

    def onFrame(self, frame: int) -> None:
        """The browser stepped on."""
        if self._reading is not None and frame < self._reading.numberOfFrames:
            self._plot.moveMark(float(self.slice.timesMs[frame]))
            self._showFrame(frame)

    def _showFrame(self, frame: int) -> None:
        width, height = self.matrix.pictureSize
        if width and frame < len(self.slice.timesMs):
            box = StrainMatrixPicture.BOX
            column = StrainMatrixPicture(self.slice, 0).columnOf(self.slice.timesMs[frame], width)
            self.matrix.setMark(column, (1 - box[1] - box[3]) * height, (1 - box[1]) * height)

    def onTime(self, timeMs: float) -> None:
        """A click in the curves: go to that frame."""
        browser = self._node.browsers()[self._slice] if self._node is not None else None
        if browser is not None:
            browser.SetSelectedItemNumber(self.slice.frameAt(timeMs))

    def onMatrixClicked(self, x: float, _y: float) -> None:
        if self._reading is not None:
            self.onTime(StrainMatrixPicture(self.slice, 0).timeAt(x, self.matrix.pictureSize[0]))

    def onBullseyeClicked(self, x: float, y: float) -> None:
        """Choose the segment that was clicked; a click on it again, or beside, chooses none."""
        if self._reading is None:
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
        return BullseyeRing.ofReading(self._reading, self._quantity, self._ui.perSliceCheckBox.checked)

    def _drawBullseye(self, path: Path, size: tuple[int, int]) -> None:
        if self._reading is None:
            return
        rings = self._rings()
        ring = next((i for i, r in enumerate(rings) if self._slice in r.slices), 0)
        gcs = self._reading.summary["global"].get("gcs_peak")
        middle = "" if gcs is None else f"GCS\n{100 * gcs:+.1f} %".replace("-", "−")
        chosen = None if self._chosen is None else (ring, self._chosen)
        BullseyePicture(rings, self._quantity).draw(path, size, chosen, middle if self._quantity.isStrain else "")

    def _drawMatrix(self, path: Path, size: tuple[int, int]) -> None:
        if self._reading is not None:
            StrainMatrixPicture(self.slice, self._reading.referenceFrame).draw(path, size)
            self._showFrame(self._follower.frame)

    def _drawAgreement(self, path: Path, size: tuple[int, int]) -> None:
        if self._comparison is not None:
            AgreementPicture(self._comparison).draw(path, size)
