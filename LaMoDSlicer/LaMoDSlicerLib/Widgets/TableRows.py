"""Fills a table with text."""

from collections.abc import Sequence
from typing import Any

import qt


def fill(table: Any, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show rows of text in a QTableWidget, which emits no signal meanwhile; the tooltip of a cell is its text."""
    table.blockSignals(True)
    table.setRowCount(len(rows))
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(list(titles))
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(r, c, item)
    table.resizeColumnsToContents()
    table.resizeRowsToContents()
    table.blockSignals(False)
