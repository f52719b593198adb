from collections.abc import Callable
from typing import Any, ClassVar

import qt


class FrameStrip:
    """Traffic lights: one row per slice, one cell per frame. Each state has a symbol and a name besides its colour.

    Args:
        table: the QTableWidget.
        onClicked: called with slice and frame, counted from 0.
    """

    #: State -> symbol, colour.
    STATES: ClassVar = {
        "good": ("✓", (205, 235, 214)),
        "look": ("?", (255, 214, 120)),
        "repair": ("✕", (240, 140, 130)),
        "accepted": ("●", (178, 208, 240)),
        "carried": ("~", (222, 215, 238)),
        "automatic": ("A", (226, 232, 238)),
        "unsure": ("U", (250, 224, 170)),
        "reviewed": ("R", (190, 226, 236)),
        "edited": ("E", (178, 208, 240)),
    }
    #: The cells share the panel's width; narrower cells would not show their symbol.
    MIN_WIDTH, CELL_HEIGHT = 10, 22
    #: Most rows without scrolling, and the height of a scroll bar.
    MOST_ROWS, SCROLL_BAR = 8, 16

    def __init__(self, table: Any, onClicked: Callable[[int, int], None]) -> None:
        self._table, self._onClicked = table, onClicked
        self._states: list[list[str]] = []
        table.horizontalHeader().hide()
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.horizontalHeader().setMinimumSectionSize(self.MIN_WIDTH)
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        table.connect("cellClicked(int,int)", onClicked)
        self.show([], [], [])

    @classmethod
    def symbolOf(cls, state: str) -> str:
        """The sign of a state."""
        return str(cls.STATES[state][0])

    def legend(self) -> str:
        """Explanation of the signs in the strip."""
        from LaMoDSlicerLib.Contours.FrameStates import wordOf

        present = {state for row in self._states for state in row}
        shown = [state for state in self.STATES if state in present]
        return "   ".join(f"{self.symbolOf(state)}\u00a0{wordOf(state)}".replace(" ", "\u00a0") for state in shown)

    @property
    def states(self) -> list[list[str]]:
        """The displayed states by slice and frame."""
        return self._states

    def show(self, names: list[str], states: list[list[str]], tips: list[list[str]]) -> None:
        """Show the state and tooltip of each frame of each slice."""
        self._states = states
        frames = max((len(row) for row in states), default=0)
        self._table.setRowCount(len(states))
        self._table.setColumnCount(frames)
        self._table.setVerticalHeaderLabels(names)
        for row, (ofRow, tipsOfRow) in enumerate(zip(states, tips, strict=True)):
            self._table.setRowHeight(row, self.CELL_HEIGHT)
            for column, (state, tip) in enumerate(zip(ofRow, tipsOfRow, strict=True)):
                symbol, color = self.STATES[state]
                item = qt.QTableWidgetItem(symbol)
                item.setBackground(qt.QBrush(qt.QColor(*color)))
                item.setForeground(qt.QBrush(qt.QColor(20, 20, 20)))
                item.setTextAlignment(qt.Qt.AlignCenter)
                item.setToolTip(tip)
                self._table.setItem(row, column, item)
        height = min(max(len(states), 1), self.MOST_ROWS) * self.CELL_HEIGHT + 6
        if frames * self.MIN_WIDTH > self._table.width - 2 * self.CELL_HEIGHT:
            height += self.SCROLL_BAR  # it would cover the last row
        self._table.setFixedHeight(height)

    def mark(self, sliceIndex: int, frame: int) -> None:
        """Mark the current frame."""
        if 0 <= sliceIndex < len(self._states) and 0 <= frame < len(self._states[sliceIndex]):
            self._table.setCurrentCell(sliceIndex, frame)

    def next(
        self, sliceIndex: int, frame: int, wanted: tuple[str, ...] = ("repair", "look", "unsure"), step: int = 1
    ) -> tuple[int, int] | None:
        """The nearest frame in one of the wanted states, searching all slices cyclically; None if there is none.

        Args:
            sliceIndex, frame: where the search begins.
            wanted: states.
            step: 1 for the next frame, -1 for the previous one.
        """
        cells = [(s, t) for s, row in enumerate(self._states) for t in range(len(row))][::step]
        here = cells.index((sliceIndex, frame)) if (sliceIndex, frame) in cells else -1
        for s, t in cells[here + 1 :] + cells[: here + 1]:
            if self._states[s][t] in wanted:
                return s, t
        return None
