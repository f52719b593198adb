"""Copies the selected cells of a table: Qt copies only the current one."""

from typing import Any

import qt


def enable(table: Any) -> None:
    """Let Ctrl+C copy the selected cells of a QTableWidget; with all cells selected, also the titles."""
    shortcut = qt.QShortcut(qt.QKeySequence(qt.QKeySequence.Copy), table)
    shortcut.setContext(qt.Qt.WidgetShortcut)
    shortcut.connect("activated()", lambda: qt.QApplication.clipboard().setText(selectedText(table)))


def selectedText(table: Any) -> str:
    """The selected cells, separated by tabs and line breaks, with ASCII signs that spreadsheets read."""
    cells = {(item.row(), item.column()): item.text() for item in table.selectedItems()}
    if not cells:
        return ""
    rows, columns = ({place[axis] for place in cells} for axis in (0, 1))
    lines = [[cells.get((row, column), "") for column in sorted(columns)] for row in sorted(rows)]
    if len(cells) == table.rowCount * table.columnCount:
        lines.insert(0, [table.horizontalHeaderItem(column).text() for column in sorted(columns)])
    return "\n".join("\t".join(line) for line in lines).replace("−", "-") + "\n"
