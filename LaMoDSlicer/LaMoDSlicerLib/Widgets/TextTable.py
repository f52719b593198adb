from collections.abc import Callable
from typing import Any

import qt

from LaMoDSlicerLib.Widgets import TableCopy


class TextTable:
    """A table of text with one selectable row.

    Args:
        table: the QTableWidget.
        onChosen: called with the index of a clicked row.
    """

    ROW_HEIGHT, MAX_ROWS = 22, 8

    def __init__(self, table: Any, onChosen: Callable[[int], None]) -> None:
        self._table, self._onChosen = table, onChosen
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.verticalHeader().hide()
        table.horizontalHeader().setStretchLastSection(True)
        TableCopy.enable(table)
        table.connect("cellClicked(int,int)", lambda row, _column: self._onChosen(row))

    def show(self, titles: list[str], rows: list[list[str]], tips: list[str] | None = None) -> None:
        """Show rows of text.

        Args:
            titles: of the columns.
            rows: cells of each row.
            tips: tooltip of each row; by default the text of each cell.
        """
        table = self._table
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.setRowCount(len(rows))
        for r, cells in enumerate(rows):
            table.setRowHeight(r, self.ROW_HEIGHT)
            for c, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(tips[r] if tips is not None else text)
                table.setItem(r, c, item)
        for c in range(len(titles) - 1):
            table.resizeColumnToContents(c)
        table.setFixedHeight((min(max(len(rows), 2), self.MAX_ROWS) + 1) * self.ROW_HEIGHT + 12)

    def select(self, row: int) -> None:
        """Select a row."""
        self._table.selectRow(row)
        self._table.setCurrentCell(row, 0)

    @property
    def selected(self) -> int:
        """Index of the selected row; -1 if there is none."""
        return int(self._table.currentRow())
