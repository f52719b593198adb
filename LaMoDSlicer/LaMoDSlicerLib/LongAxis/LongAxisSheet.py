from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import LongAxisTables, LongAxisText, ViewNames
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.LongAxis.StrainByViewPicture import StrainByViewPicture, frameAt
from LaMoDSlicerLib.Reading.BullseyePicture import BullseyePicture, BullseyeQuantity, BullseyeRing
from LaMoDSlicerLib.Reading.CinePlayer import CinePlayer
from LaMoDSlicerLib.Reading.ClickablePicture import ClickablePicture
from LaMoDSlicerLib.Reading.PictureCanvas import PictureStyle
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower
from LaMoDSlicerLib.Widgets import Numbering, TableCopy, TableRows
from LaMoDSlicerLib.Widgets.FrameBar import FrameBar


class LongAxisSheet:
    """Longitudinal strain in the reading room: GLS with its definition, curves, bullseye, segments and numbers.

    Args:
        onView: called with the index of the view whose images are to be shown.
        withFrames: whether the sheet has its own slider for the frame, as without short-axis slices.
    """

    CURVES, BULLSEYE, SEGMENTS, NUMBERS, NOTES = range(5)

    def __init__(self, onView: Callable[[int], None], withFrames: bool) -> None:
        self._onView = onView
        self._node: LongAxisNode | None = None
        self._isOutOfDate = False
        self._view = 0
        self._follower = FrameFollower(self._onFrame)
        self._player = CinePlayer(self._onPlaying, lambda _text: None)
        self.widget = qt.QWidget()
        self.headline = qt.QLabel()
        self.headline.setWordWrap(True)
        self.viewSelector, self.pageSelector, self.pages = qt.QComboBox(), qt.QComboBox(), qt.QStackedWidget()
        self.viewSelector.setToolTip(_("View whose images are shown"))
        self.pageSelector.setToolTip(_("What the sheet shows"))
        self.bar, self.playButton, self.frameLabel = FrameBar(self._goTo), qt.QToolButton(), qt.QLabel()
        self.playButton.setText(_("Play"))
        self.playButton.setToolTip(_("Play in real time, or pause"))
        self.copyButton = qt.QPushButton(_("Copy table"))
        self.copyButton.setToolTip(_("Copy all rows with titles, for a spreadsheet (Ctrl+C copies the selected cells)"))
        folder = Path(slicer.app.temporaryPath)
        name = "lamod-long-axis" if withFrames else "lamod-long-axis-tab"
        self.curves = ClickablePicture(
            self._drawCurves, self._onCurvesClicked, folder, name, markColor="palette(window-text)"
        )
        self.bullseye = ClickablePicture(self._drawBullseye, lambda _x, _y: None, folder, f"{name}-bullseye")
        self.segments, self.numbers, self.notes = qt.QTableWidget(), qt.QTableWidget(), qt.QTextBrowser()
        self._arrange(withFrames)
        self.viewSelector.connect("activated(int)", self.setView)
        self.pageSelector.connect("activated(int)", lambda _index: self._showPage())
        self.playButton.connect("clicked(bool)", lambda _checked: self.togglePlay())
        self.copyButton.connect("clicked(bool)", lambda _checked: TableCopy.copyAll(self._table()))

    def _arrange(self, withFrames: bool) -> None:
        column = qt.QVBoxLayout(self.widget)
        column.setContentsMargins(4, 4, 4, 4)
        column.setSpacing(4)
        column.addWidget(self.headline)
        row = qt.QHBoxLayout()
        row.addWidget(self.viewSelector)
        row.addWidget(self.pageSelector)
        column.addLayout(row)
        if withFrames:
            frames = qt.QHBoxLayout()
            frames.addWidget(self.playButton)
            frames.addWidget(self.frameLabel)
            frames.addStretch(1)
            column.addLayout(frames)
            column.addWidget(self.bar)
        for page in (self.curves, self.bullseye, self.segments, self.numbers, self.notes):
            self.pages.addWidget(page)
        for table in (self.segments, self.numbers):
            TableCopy.enable(table)
            table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
            table.verticalHeader().hide()
            table.setTabKeyNavigation(False)  # otherwise the Tab key never leaves the table
        column.addWidget(self.pages, 1)
        column.addWidget(self.copyButton)

    @property
    def view(self) -> int:
        """Index of the view that is shown."""
        return self._view

    def setResult(self, node: LongAxisNode | None, isOutOfDate: bool = False) -> None:
        """Show a result; None empties the sheet.

        Raises:
            ValueError, KeyError: the result is damaged.
        """
        self._node, self._isOutOfDate = node, isOutOfDate
        self.widget.setEnabled(node is not None)
        if node is None:
            self._player.stop()
            self._follower.follow(None)
            self.headline.setText("")
            return
        summary = node.summary
        lines = [f"<b>{LongAxisText.gls(summary)}</b>", LongAxisText.definition(summary)]
        lines += [f"<b>↻ {LongAxisText.outOfDate()}</b>"] if isOutOfDate else []
        self.headline.setText("<br>".join(lines))
        self._listViews(node)
        self._listPages(LongAxisTables.hasBullseye(summary))
        TableRows.fill(self.segments, LongAxisTables.segmentTitles(), LongAxisTables.segmentRows(summary))
        for column, tip in enumerate(LongAxisTables.segmentTips()):
            self.segments.horizontalHeaderItem(column).setToolTip(tip)
        TableRows.fill(self.numbers, LongAxisTables.numberTitles(), LongAxisTables.numberRows(summary))
        found = LongAxisText.notes(node.notes())
        self.notes.setPlainText("\n".join(found) or _("There are no notes on the long-axis views."))
        self.setView(min(self._view, len(node.views()) - 1))
        self._showPage()

    def _listViews(self, node: LongAxisNode) -> None:
        self.viewSelector.clear()
        for number, view in enumerate(node.views(), 1):
            name = ViewNames.textOf(view.view) if view.view else _("view {number}").format(number=number)
            self.viewSelector.addItem(Numbering.capitalized(name))

    def _listPages(self, hasBullseye: bool) -> None:
        page = self.pageSelector.currentData if self.pageSelector.count else self.CURVES
        names = [_("Curves"), _("Bullseye"), _("Segments"), _("Numbers"), _("Notes")]
        self.pageSelector.clear()
        for number, name in enumerate(names):
            if number != self.BULLSEYE or hasBullseye:
                self.pageSelector.addItem(name, number)
        self.pageSelector.setCurrentIndex(max(self.pageSelector.findData(page), 0))

    def setView(self, index: int) -> None:
        """Show the images of a view."""
        if self._node is None:
            return
        self._view = index
        self.viewSelector.setCurrentIndex(index)
        browser = self._node.browsers()[index]
        measured = self._node.views()[index]
        if browser is not None:
            browser.SetPlaybackRateFps(1000.0 / max(float(measured.timesMs[1] - measured.timesMs[0]), 1.0))
        self._follower.follow(browser)
        marks = {"ED": measured.referenceFrame, "ES": int(measured.numbers["es_frame"])}
        self.bar.setFrames(len(measured.timesMs), marks)
        self._onFrame(self._follower.frame)
        self._onView(index)

    def togglePlay(self) -> None:
        """Play the view in real time, or pause."""
        browser = self._node.browsers()[self._view] if self._node is not None else None
        if self._player.isPlaying or browser is None:
            self._player.stop()
            return
        view = self._node.views()[self._view]
        self._player.play(browser, view.timesMs, float(view.numbers["rr_ms"]))

    def stop(self) -> None:
        """Stop playing."""
        self._player.stop()

    def redraw(self) -> None:
        """Redraw the picture that is shown."""
        for picture in (self.curves, self.bullseye):
            if picture.visible and self._node is not None:
                picture.redraw()
        self._onFrame(self._follower.frame)

    def _showPage(self) -> None:
        page = self.pageSelector.currentData
        self.pages.setCurrentIndex(page)
        self.copyButton.setVisible(page in (self.SEGMENTS, self.NUMBERS))
        self.redraw()

    def _table(self) -> Any:
        return self.segments if self.pages.currentIndex == self.SEGMENTS else self.numbers

    def _onPlaying(self) -> None:
        self.playButton.setText(_("Pause") if self._player.isPlaying else _("Play"))

    def _goTo(self, frame: int) -> None:
        self._player.stop()
        browser = self._node.browsers()[self._view] if self._node is not None else None
        if browser is not None:
            browser.SetSelectedItemNumber(frame)

    def _onFrame(self, frame: int) -> None:
        if self._node is None or self._view >= len(self._node.views()):
            return
        view = self._node.views()[self._view]
        if frame >= len(view.timesMs):
            return
        self.bar.setFrame(frame)
        text = _("{frame} of {count} · {time:.0f} ms")
        self.frameLabel.setText(
            text.format(frame=Numbering.frame(frame), count=len(view.timesMs), time=view.timesMs[frame])
        )
        width, height = self.curves.pictureSize
        if width:
            picture = StrainByViewPicture(self._node)
            box, column = picture.box(height), picture.columnOf(float(view.phases()[frame]), width)
            self.curves.setMark(column, (1 - box[1] - box[3]) * height, (1 - box[1]) * height)

    def _drawCurves(self, path: Path, size: tuple[int, int], style: PictureStyle) -> None:
        if self._node is not None:
            StrainByViewPicture(self._node).draw(path, size, style)
            self._onFrame(self._follower.frame)

    def _drawBullseye(self, path: Path, size: tuple[int, int], style: PictureStyle) -> None:
        if self._node is not None:
            rings = BullseyeRing.ofLongAxis(self._node.summary)
            BullseyePicture(rings, BullseyeQuantity.LONGITUDINAL).draw(path, size, None, "", style)

    def _onCurvesClicked(self, x: float, _y: float) -> None:
        """Go to the frame at a time that was clicked."""
        if self._node is not None:
            time = StrainByViewPicture(self._node).timeAt(x, self.curves.pictureSize[0])
            self._goTo(frameAt(self._node.views()[self._view], time, float(self._node.summary["rr_ms"])))
