from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import Reviews
from LaMoDSlicerLib.Heart.SliceRow import CHOICES, LEVELS, SliceRow
from LaMoDSlicerLib.LongAxis import LongAxisRows, ViewNames


class HeartTable:
    """The table of slices: use, name, level, frames and R–R, contours, frames to review.

    Args:
        table: the QTableWidget.
        onSelected: called with the index of the row that a person selected.
        onUse: called with the index of a row and whether it is used.
        onLevel: called with the index of a row and its level.
    """

    MAX_ROWS = 7
    #: Height of a row and width of the selector of a level without its text, relative to the height of text.
    ROW_HEIGHT, SELECTOR_WIDTH = 1.7, 1.9
    #: Largest width of the column of contours relative to its title; longer texts are complete in the tooltip.
    MOST_CONTOURS = 1.1
    _SLICE, _LEVEL, _FRAMES, _CONTOURS, _REVIEW = range(5)

    def __init__(
        self,
        table: Any,
        onSelected: Callable[[int], None],
        onUse: Callable[[int, bool], None],
        onLevel: Callable[[int, str], None],
    ) -> None:
        self._table, self._onSelected, self._onUse, self._onLevel = table, onSelected, onUse, onLevel
        self._isFilling = False
        self._combos: list[Any] = []
        titles = {
            _("Use, slice"): _(
                "Ticked: this slice is used. Numbers count the short-axis slices from the base; LA: a long-axis slice."
            ),
            _("Level"): self._levelTip(),
            _("Frames"): _("Number of frames; the R–R interval that they cover is below the table"),
            _("Contours"): _("How the contours were made"),
            _("Review"): _("Frames to review: see the Contours section"),
        }
        table.setColumnCount(len(titles))
        for column, (title, tip) in enumerate(titles.items()):
            item = qt.QTableWidgetItem(title)
            item.setToolTip(tip)
            table.setHorizontalHeaderItem(column, item)
        table.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        table.setWordWrap(False)
        table.setTextElideMode(qt.Qt.ElideMiddle)  # names of series often differ at their end
        table.setTabKeyNavigation(False)  # the tab key leaves the table
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)  # the bold titles of the selected row take the space of the names
        for column in range(len(titles)):
            header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
        header.setSectionResizeMode(self._SLICE, qt.QHeaderView.Stretch)  # shortened where the panel is narrow
        table.connect("currentCellChanged(int,int,int,int)", self._onCurrent)
        table.connect("itemChanged(QTableWidgetItem*)", self._onItem)

    @staticmethod
    def _levelTip() -> str:
        return _(
            "Level of a short-axis slice along the long axis, or view of a long-axis slice; “auto” follows the position"
        )

    def show(self, rows: list[SliceRow], selected: int) -> None:
        """Show the slices of the heart.

        Args:
            rows: from base to apex.
            selected: index of the selected row, or -1.
        """
        self._isFilling = True
        try:
            table = self._table
            if table.rowCount != len(rows):
                self._make(len(rows))
            for r, row in enumerate(rows):
                self._showRow(r, row)
            if selected >= 0 and table.currentRow() != selected:
                table.setCurrentCell(selected, self._SLICE)
            self._fit(len(rows))
        finally:
            self._isFilling = False

    def _fit(self, count: int) -> None:
        """Fit rows and columns to the size of the text."""
        table, metrics = self._table, self._table.fontMetrics()
        header, height = table.horizontalHeader(), round(self.ROW_HEIGHT * metrics.height())
        widths = {c: table.sizeHintForColumn(c) + 2 for c in (self._FRAMES, self._CONTOURS, self._REVIEW)}
        for column, width in widths.items():  # the style would add space on both sides of the titles
            title = metrics.boundingRect(table.horizontalHeaderItem(column).text()).width() + 10
            most = self.MOST_CONTOURS * title if column == self._CONTOURS else width
            widths[column] = max(min(width, most), title)
        level = metrics.boundingRect(_("auto: {level}").format(level=_("base"))).width()
        widths[self._LEVEL] = level + self.SELECTOR_WIDTH * metrics.height()
        for column, width in widths.items():
            if table.columnWidth(column) != round(width):
                header.resizeSection(column, round(width))
        header.setFixedHeight(height)
        for r in range(count):
            table.setRowHeight(r, height)
        table.setFixedHeight((1 + min(max(count, 1), self.MAX_ROWS)) * height + 4)

    def _make(self, count: int) -> None:
        table = self._table
        table.setRowCount(0)
        table.setRowCount(count)
        self._combos = []
        for r in range(count):
            for column in range(table.columnCount):
                table.setItem(r, column, qt.QTableWidgetItem(""))
            table.item(r, self._SLICE).setFlags(
                qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable
            )
            combo = qt.QComboBox()
            combo.setToolTip(self._levelTip())
            views = map(ViewNames.textOf, CHOICES[len(LEVELS) :])
            for level, text in zip(CHOICES, (_("auto"), _("base"), _("mid"), _("apex"), *views), strict=True):
                combo.addItem(text, level)
            combo.connect("activated(int)", lambda index, row=r: self._onLevel(row, CHOICES[index]))
            table.setCellWidget(r, self._LEVEL, combo)
            self._combos.append(combo)

    def _showRow(self, r: int, row: SliceRow) -> None:
        number = (_("LA") if row.isLongAxis else str(row.number)) if row.isUsed else "–"
        use = self._table.item(r, self._SLICE)
        self._write(r, self._SLICE, f"{number} {row.series.name}", self._nameTip(row))
        wanted = qt.Qt.Checked if row.isUsed else qt.Qt.Unchecked
        if use.checkState() != wanted:
            use.setCheckState(wanted)
        combo = self._combos[r]
        proposal = ViewNames.shortTextOf(row.proposal) if row.isLongAxis and row.proposal else row.proposal
        automatic = _("auto: {level}").format(level=proposal) if proposal else _("auto")
        if combo.itemText(0) != automatic:
            combo.setItemText(0, automatic)
        combo.currentIndex = CHOICES.index(row.level)
        self._write(r, self._FRAMES, self._framesText(row), self._framesTip(row))
        contours, review, tip = self._contourTexts(row)
        self._write(r, self._CONTOURS, contours, row.problem or contours)
        self._write(r, self._REVIEW, review, tip)

    def _write(self, r: int, column: int, text: str, tip: str) -> None:
        item = self._table.item(r, column)
        if item.text() != text:
            item.setText(text)
        if item.toolTip() != tip:
            item.setToolTip(tip)

    @staticmethod
    def _nameTip(row: SliceRow) -> str:
        parts = [row.series.name]
        if row.series.masks is not None and row.series.masks.GetName() != row.series.name:
            parts.append(_("masks: {name}").format(name=row.series.masks.GetName()))
        if row.series.cine is None:
            parts.append(_("no cine"))
        parts.append(_("image {number} of the volume").format(number=row.depth + 1))
        return "\n".join(filter(None, [*parts, row.problem, row.remark]))

    @staticmethod
    def _framesText(row: SliceRow) -> str:
        if not row.frames:
            return "–"
        return str(row.frames) if row.rrMs else _("{frames} · no times").format(frames=row.frames)

    @staticmethod
    def _framesTip(row: SliceRow) -> str:
        if row.rrMs:
            return _("{frames} frames, R–R interval {rr:.0f} ms").format(frames=row.frames, rr=row.rrMs)
        return _("The data contain no times: enter the R–R interval below if it is known")

    @staticmethod
    def _contourTexts(row: SliceRow) -> tuple[str, str, str]:
        """The columns on contours, and the tooltip of the second one: as checked, or as far as known before."""
        tip = _("Frames to review: see the Contours section")
        if row.problem:
            return _("! cannot be used"), "–", tip
        if row.isLongAxis:
            return LongAxisRows.contoursText(row), "–", _("Long-axis contours are not reviewed automatically")
        if row.series.masks is None:
            return _("none"), "–", tip
        known = Reviews.known(row.series) or ()
        for review in known:
            if review.depth == row.depth:
                return review.contoursText(), review.reviewText(), review.reviewTip()
        if row.drawn == row.frames:
            return _("not checked yet"), "…", tip
        return _("{count} of {all}").format(count=row.drawn, all=row.frames), "…", tip

    def _onCurrent(self, row: int, _column: int, _previousRow: int, _previousColumn: int) -> None:
        if not self._isFilling and row >= 0:
            self._onSelected(row)

    def _onItem(self, item: Any) -> None:
        if not self._isFilling and item.column() == self._SLICE:
            self._onUse(item.row(), item.checkState() == qt.Qt.Checked)
