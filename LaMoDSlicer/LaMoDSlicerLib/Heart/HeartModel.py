from typing import Any

import slicer

from LaMoDSlicerLib.Heart import Arrivals, HeartRows, InsertionFinder, SeriesFacts, SeriesFinder
from LaMoDSlicerLib.Heart.Examination import Examination
from LaMoDSlicerLib.Heart.HeartRecord import HeartRecord
from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SliceRow import LEVELS, SliceRow
from LaMoDSlicerLib.Inputs.InsertionNode import InsertionNode
from LaMoDSlicerLib.LongAxis import LongAxisRows, LongAxisSlices


class HeartModel:
    """The slices of the heart in the scene: which series they come from, which are used, and which one is selected.

    Nodes that arrive in the scene are added, unless a person removed them. The series of the selected slice is also in
    the parameters cine, masks and myocardium, which scripts and the Contours section use; a change of these is a
    change of the table.

    Long-axis slices have rows of their own. None of them is in the parameters, in `usedRows` or in `usedSeries`: they
    are measured, not predicted.
    """

    def __init__(self) -> None:
        self._parameters: Any = None
        self._series: list[HeartSeries] = []
        self._selected = (-1, 0)
        self._rows: list[SliceRow] = []
        self._selectedLong: tuple[HeartSeries, int] | None = None
        self._state: Any = None
        self._stored: str | None = None

    def setParameters(self, parameters: Any) -> None:
        """Follow the heart of a scene; None while no scene is open."""
        self._parameters = parameters
        self._state = self._stored = None
        self._series, self._rows, self._selected, self._selectedLong = [], [], (-1, 0), None

    @property
    def series(self) -> list[HeartSeries]:
        return list(self._series)

    @property
    def rows(self) -> list[SliceRow]:
        """The short-axis slices from base to apex, then the long-axis slices."""
        return list(self._rows)

    @property
    def usedRows(self) -> list[SliceRow]:
        """The short-axis slices that the prediction uses."""
        return [row for row in self._rows if row.isUsed and not row.isLongAxis]

    @property
    def longAxisRows(self) -> list[SliceRow]:
        """The long-axis slices that are measured."""
        return [row for row in self._rows if row.isUsed and row.isLongAxis]

    @property
    def usedSeries(self) -> list[HeartSeries]:
        """The series of the used rows, in the order of the table."""
        return list({id(row.series): row.series for row in self.usedRows}.values())

    def current(self) -> HeartSeries | None:
        """The short-axis series that was selected last."""
        index = self._selected[0]
        return self._series[index] if 0 <= index < len(self._series) else None

    def selectedRow(self) -> int:
        """Index of the selected row, or -1."""
        if self._selectedLong is not None:
            for i, row in enumerate(self._rows):
                if row.isLongAxis and (row.series, row.depth) == self._selectedLong:
                    return i
        current = self.current()
        for i, row in enumerate(self._rows):
            if row.series is current and row.depth == self._selected[1]:
                return i
        return -1

    def selectedSeries(self) -> HeartSeries | None:
        """The series of the selected row, of short or long axis."""
        index = self.selectedRow()
        return self._rows[index].series if index >= 0 else self.current()

    def refresh(self) -> bool:
        """Follow the scene and the parameters; returns whether anything changed that the table shows."""
        if self._parameters is None:
            changed, self._rows, self._state = bool(self._rows), [], None
            return changed
        self._readStored()
        before = [(s.cine, s.masks) for s in self._series]
        self._dropRemoved()
        self._adoptParameters()
        Arrivals.add(self._series, HeartRecord(self._parameters.parameterNode).dismissed())
        self._publish()
        if not self._series and before:  # the next heart begins without the decisions about this one
            self._parameters.swapBaseAndApex = False
            self._parameters.rrMs, self._parameters.referenceFrame = 0.0, 0
        InsertionFinder.follow(self._parameters)
        state = self._stateNow()
        changed = state != self._state
        if changed:
            self._state = state
            short, long = LongAxisSlices.split(self._series)
            self._leaveLongAxis(long)
            self._rows = HeartRows.rowsOf(short, self._parameters.swapBaseAndApex)
            InsertionFinder.fill(self._parameters, short)
            self._rows += LongAxisRows.rowsOf(long, self._insertionLps())
            self._selectAny()
            self._state = self._stateNow()
        self._store()
        return changed

    def _leaveLongAxis(self, long: list[HeartSeries]) -> None:
        """Keep long-axis series out of the parameters, which belong to the prediction."""
        current = self.current()
        if current is not None and current in long:
            self._selected, self._selectedLong = (-1, 0), (current, self._selected[1])
            wasModifying = self._parameters.StartModify()
            self._parameters.cine = self._parameters.masks = None
            self._parameters.myocardium, self._parameters.level = "", LEVELS[0]
            self._parameters.EndModify(wasModifying)

    def _readStored(self) -> None:
        """Read the heart from the scene if a scene was opened or loaded since."""
        record = HeartRecord(self._parameters.parameterNode)
        if record.text != self._stored:
            self._stored = record.text
            self._series, self._selected, self._selectedLong = record.series(), record.selected, None

    def _stateNow(self) -> Any:
        series = tuple(
            (id(s), SeriesFacts.stateOf(s), Examination.of(s), tuple(s.levels.items()), tuple(s.uses.items()))
            for s in self._series
        )
        points = InsertionFinder.state()
        files = LongAxisSlices.contoursState()
        return series, self._selected, self._parameters.swapBaseAndApex, points, files, self._parameters.rvInsertion

    def _insertionLps(self) -> Any:
        """[3] LPS mm: the anterior RV insertion, or None."""
        node = self._parameters.rvInsertion
        return InsertionNode(node).sharedLps() if node is not None else None

    def _dropRemoved(self) -> None:
        """Forget nodes that are no longer in the scene."""
        for one in list(self._series):
            index = self._series.index(one)
            one.cine = one.cine if _isInScene(one.cine) else None
            one.masks = one.masks if _isInScene(one.masks) else None
            if one.cine is None and one.masks is None:
                self._forget(index)

    def _forget(self, index: int) -> None:
        selected, depth = self._selected
        if self._selectedLong is not None and self._selectedLong[0] is self._series[index]:
            self._selectedLong = None
        del self._series[index]
        if selected == index:
            self._selected = (-1, 0)
            self._parameters.cine = self._parameters.masks = None
        elif selected > index:
            self._selected = (selected - 1, depth)

    def _adoptParameters(self) -> None:
        """Follow a script or a selector that changed the parameters of the selected series."""
        p, current = self._parameters, self.current()
        cine, masks = p.cine, p.masks
        isKnown = current is not None and current.cine is cine and current.masks is masks
        if not isKnown and (cine is not None or masks is not None):
            self._adoptPair(cine, masks, current)
        elif not isKnown and current is not None:
            self.remove(current)
        current = self.current()
        if current is not None and (current.cine, current.masks) == (p.cine, p.masks):
            current.myocardium = p.myocardium
            self._adoptLevel(current, p.level)

    def _adoptPair(self, cine: Any, masks: Any, current: HeartSeries | None) -> None:
        record = HeartRecord(self._parameters.parameterNode)
        if cine is not None:
            self.welcome(cine)
        record.welcome(masks)
        owner = next((s for s in self._series if cine is not None and s.cine is cine), None)
        if owner is None and cine is None:
            owner = next((s for s in self._series if s.masks is masks), None)
        hasOnlyOtherCine = current is not None and masks is not None and current.masks is masks
        if hasOnlyOtherCine and current.cine is not None and cine is not None:
            # a selector shows the row of another cine; it does not give that cine the contours of this row
            masks = owner.masks if owner is not None else None
        elif owner is None and hasOnlyOtherCine:
            owner = current
        if owner is None:
            owner = HeartSeries()
            self._series.append(owner)
        for node in (owner.cine, owner.masks):
            if node is not None and node is not cine and node is not masks:
                record.dismiss(node)
        for other in [s for s in self._series if s is not owner and s.cine is None and s.masks is masks and masks]:
            self._series.remove(other)
        isNewMask = owner.masks is not masks
        owner.cine, owner.masks = cine, masks
        if isNewMask:
            owner.levels.clear()
            owner.uses.clear()
        self._selected, self._selectedLong = (self._series.index(owner), self._selected[1]), None

    def _adoptLevel(self, current: HeartSeries, level: str) -> None:
        depth = self._selected[1]
        if level != shortAxisLevel(current.levels.get(depth, LEVELS[0])):
            depths = [row.depth for row in self._rows if row.series is current] or [depth]
            for k in depths:
                current.levels.pop(k, None)
                if level != LEVELS[0]:
                    current.levels[k] = level

    def _publish(self) -> None:
        """Give the parameters the nodes that joined the selected series, or those of a series that was selected."""
        p, current = self._parameters, self.current()
        if current is not None and (p.cine is not current.cine or p.masks is not current.masks):
            wasModifying = p.StartModify()
            p.cine, p.masks, p.myocardium = current.cine, current.masks, current.myocardium
            p.level = shortAxisLevel(current.levels.get(self._selected[1], LEVELS[0]))
            p.EndModify(wasModifying)

    def _selectAny(self) -> None:
        """Select the first row if none is selected."""
        if self.selectedRow() >= 0:
            return
        current = self.current()
        rows = [row for row in self._rows if row.series is current] or self.usedRows
        rows = rows or [row for row in self._rows if not row.isLongAxis] or self._rows
        if rows:
            self._selectSlice(rows[0])

    def select(self, index: int) -> None:
        """Select a row; its series becomes that of the Contours section."""
        if 0 <= index < len(self._rows):
            self._selectSlice(self._rows[index])
            self._store()

    def _selectSlice(self, row: SliceRow) -> None:
        self._selectedLong = (row.series, row.depth) if row.isLongAxis else None
        if row.isLongAxis:
            return
        self._selected = (self._series.index(row.series), row.depth)
        p = self._parameters
        wasModifying = p.StartModify()
        p.cine, p.masks, p.myocardium, p.level = row.series.cine, row.series.masks, row.series.myocardium, row.level
        p.EndModify(wasModifying)

    def setUse(self, index: int, used: bool) -> None:
        """Use a slice in predictions, or leave it out."""
        row = self._rows[index]
        row.series.uses[row.depth] = used

    def setLevel(self, index: int, level: str) -> None:
        """Choose the level or view of a slice; "automatic" for the proposed one."""
        row = self._rows[index]
        row.series.levels.pop(row.depth, None)
        if level != LEVELS[0]:
            row.series.levels[row.depth] = level
        if index == self.selectedRow() and row.series is self.current():
            self._parameters.level = shortAxisLevel(level)

    def setMasks(self, series: HeartSeries, masks: Any) -> None:
        """Use masks for a series, instead of earlier ones."""
        record = HeartRecord(self._parameters.parameterNode)
        record.dismiss(series.masks)
        record.welcome(masks)
        series.masks, series.myocardium = masks, ""
        self._series = [s for s in self._series if s is series or s.cine is not None or s.masks is not masks]
        if series is self.current():
            self._parameters.masks, self._parameters.myocardium = masks, ""

    def leaveOut(self, series: HeartSeries) -> None:
        """Use no slice of a series."""
        for row in self._rows:
            if row.series is series:
                series.uses[row.depth] = False

    def remove(self, series: HeartSeries) -> None:
        """Remove a series from the table; its nodes remain in the scene and are not added again."""
        record = HeartRecord(self._parameters.parameterNode)
        record.dismiss(series.cine)
        record.dismiss(series.masks)
        self._forget(self._series.index(series))

    def welcome(self, node: Any) -> bool:
        """Let a removed cine or removed masks be added again; returns whether they had been removed."""
        record = HeartRecord(self._parameters.parameterNode)
        if node.GetID() not in record.dismissed():
            return False
        masks = record.dismissedAfter(node)  # `remove` dismisses them after their cine
        record.welcome(node)
        if masks is not None and SeriesFinder.isCine(node) and not masks.IsA("vtkMRMLSequenceBrowserNode"):
            record.welcome(masks if SeriesFinder.fit(node, masks) else None)
        return True

    def swap(self) -> None:
        """Exchange base and apex."""
        self._parameters.swapBaseAndApex = not self._parameters.swapBaseAndApex

    def _store(self) -> None:
        record = HeartRecord(self._parameters.parameterNode)
        record.keep(self._series, self._selected)
        self._stored = record.text


def shortAxisLevel(level: str) -> str:
    """A level as the parameters have it, in which there are no views."""
    return level if level in LEVELS else LEVELS[0]


def _isInScene(node: Any) -> bool:
    return node is not None and node.GetScene() is slicer.mrmlScene
