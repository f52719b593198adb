"""Copies the cells of a table as text for a spreadsheet: Qt copies only the current cell."""

from typing import Any

import qt


def enable(table: Any) -> None:
    """Let Ctrl+C copy the selected cells of a QTableWidget; with all cells selected, also the titles."""
    shortcut = qt.QShortcut(qt.QKeySequence(qt.QKeySequence.Copy), table)
    shortcut.setContext(qt.Qt.WidgetShortcut)
    shortcut.connect("activated()", lambda: qt.QApplication.clipboard().setText(selectedText(table)))


def copyAll(table: Any) -> None:
    """Copy all cells with the titles."""
    qt.QApplication.clipboard().setText(wholeText(table))


def selectedText(table: Any) -> str:
    """The selected cells, separated by tabs and line breaks; with all cells selected, also the titles."""
    cells = {(item.row(), item.column()): item.text() for item in table.selectedItems()}
    if not cells:
        return ""
    return _text(table, cells, withTitles=len(cells) == table.rowCount * table.columnCount)


def wholeText(table: Any) -> str:
    """All cells and the titles, separated by tabs and line breaks."""
    places = ((row, column) for row in range(table.rowCount) for column in range(table.columnCount))
    items = {place: table.item(*place) for place in places}
    return _text(table, {place: item.text() if item else "" for place, item in items.items()}, withTitles=True)


def _text(table: Any, cells: dict[tuple[int, int], str], withTitles: bool) -> str:
    """Cells with ASCII signs that spreadsheets read."""
    rows, columns = ({place[axis] for place in cells} for axis in (0, 1))
    lines = [[cells.get((row, column), "") for column in sorted(columns)] for row in sorted(rows)]
    if withTitles:
        lines.insert(0, [table.horizontalHeaderItem(column).text() for column in sorted(columns)])
    return "\n".join("\t".join(line) for line in lines).replace("−", "-") + "\n"
