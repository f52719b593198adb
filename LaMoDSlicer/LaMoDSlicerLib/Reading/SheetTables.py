from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Reading.IndexTable import IndexTable
from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable
from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Widgets import TableCopy, TableRows


class SheetTables:
    """The tables of segments, numbers and notes in the sheet; each can be copied.

    Args:
        ui: the sheet's widgets by name.
        onSegment: called with the indices of slice and segment when the user selects a row; segment is None for the
            whole slice.
    """

    #: Largest width of a column of names or places, in characters; longer texts wrap.
    LONGEST_NAME, LONGEST_PLACE = 24, 11

    def __init__(self, ui: Any, onSegment: Callable[[int, int | None], None]) -> None:
        self._ui, self._onSegment = ui, onSegment
        self._places: list[tuple[int, int | None]] = []
        for table, button in (
            (ui.segmentsTable, ui.copySegmentsButton),
            (ui.indicesTable, ui.copyIndicesButton),
            (ui.notesTable, ui.copyNotesButton),
        ):
            TableCopy.enable(table)
            table.verticalHeader().hide()
            table.setTabKeyNavigation(False)  # otherwise the Tab key never leaves the table
            button.connect("clicked(bool)", self._copierOf(table))
        ui.notesTable.horizontalHeader().setStretchLastSection(True)
        ui.notesTable.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        ui.segmentsTable.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        ui.segmentsTable.connect("currentCellChanged(int,int,int,int)", self._onCurrentCell)

    @staticmethod
    def _copierOf(table: Any) -> Callable[[bool], None]:
        return lambda _checked=False: TableCopy.copyAll(table)

    def fill(self, numbers: ResultNumbers, notes: ResultNotes) -> None:
        """Show the numbers and remarks of a result."""
        ui, segments = self._ui, SegmentTable(numbers)
        self._places = segments.places()
        TableRows.fill(ui.segmentsTable, list(SegmentTable.COLUMNS), segments.rows())
        for column, definition in enumerate(SegmentTable.COLUMNS.values()):
            ui.segmentsTable.horizontalHeaderItem(column).setToolTip(definition)
        indices = IndexTable(numbers)
        TableRows.fill(ui.indicesTable, indices.titles, indices.rows())
        self._limit(ui.indicesTable, 0, self.LONGEST_NAME)
        titles = [_("State"), _("Where"), _("Remark → what to do")]
        TableRows.fill(ui.notesTable, titles, [remark.cells() for remark in notes.remarks()])
        self._limit(ui.notesTable, 1, self.LONGEST_PLACE)
        ui.notesTable.resizeRowsToContents()

    @staticmethod
    def _limit(table: Any, column: int, characters: int) -> None:
        """Limit the width of a column; longer texts wrap."""
        width = characters * table.fontMetrics().averageCharWidth()
        table.setColumnWidth(column, min(table.columnWidth(column), width))
        table.resizeRowsToContents()

    def select(self, slice_: int, segment: int | None) -> None:
        """Select the row of a segment, or none."""
        table = self._ui.segmentsTable
        table.blockSignals(True)
        if segment is None or (slice_, segment) not in self._places:
            table.clearSelection()
            table.setCurrentCell(-1, -1)
        else:
            row = self._places.index((slice_, segment))
            if table.currentRow() != row:
                table.setCurrentCell(row, 0)
            table.scrollToItem(table.item(row, 0), qt.QAbstractItemView.PositionAtCenter)
        table.blockSignals(False)

    def _onCurrentCell(self, row: int, _column: int, before: int, _columnBefore: int) -> None:
        if row != before and 0 <= row < len(self._places):
            self._onSegment(*self._places[row])
