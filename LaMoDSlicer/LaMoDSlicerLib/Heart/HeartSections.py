from typing import Any

import slicer

from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Heart.HeartPanel import HeartPanel
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import LongAxisRows
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.LongAxis.LongAxisViews import LongAxisViews
from LaMoDSlicerLib.Prediction.AnswerSection import AnswerSection
from LaMoDSlicerLib.Prediction.PredictPanel import PredictPanel
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Scene import EnteredViews, SliceViews
from LaMoDSlicerLib.Scene.CineSource import CineSource
from LaMoDSlicerLib.Worker.SlicedWork import Steps


class HeartSections:
    """The sections Heart and Strain, which share the table of slices.

    Args:
        owner: the module's widget.
    """

    def __init__(self, owner: Any) -> None:
        self.model = HeartModel()
        self._owner = owner
        self.predict = PredictPanel(owner, self.model, self._present)
        self.heart = HeartPanel(owner, self.model, self.predict.showMessage, self._onOtherSeries, self._onSelected)
        self.answer = AnswerSection(owner.ui, self.model, self._openRoom)
        self.heart.onReviewed = self.answer.update
        owner.contoursPanel.sliceNumbers = self._numbers
        owner.contoursPanel.isOneOfSeveral = lambda masks: any(
            row.series.masks is not masks for row in self.model.usedRows
        )
        self.longAxis = LongAxisViews(owner.onModified)
        self._parts = (self.heart, self.predict, self.answer)

    def setParameters(self, parameters: Any) -> None:
        for part in self._parts:
            part.setParameters(parameters)

    def update(self) -> None:
        for part in self._parts:
            part.update()

    def updateLongAxis(self) -> None:
        """Show the long-axis slices in the views that have their plane."""
        parameters = self._owner.predictPanel.parameters
        if parameters is None:
            return
        rows = [row for row in self.model.rows if row.isLongAxis and row.drawn]
        self.longAxis.update(rows, self.longAxisResult())

    def longAxisResult(self) -> LongAxisNode | None:
        """The long-axis part of the current result, or the one that was measured alone."""
        result = ResultNode.ofBrowser(self._owner.predictPanel.parameters.resultBrowser)
        return LongAxisNode.ofResult(result.node if result is not None else None)

    def _onOtherSeries(self) -> None:
        """Forget messages about earlier series, and show the selected one before there is a result."""
        self.predict.heartChanged()
        if self._owner.predictPanel.parameters is not None and not ResultNode.all():
            self._look(self.model.current())

    def _present(self, node: Any) -> Steps:
        views, parameters = self._owner.displayPanel.views, self._owner.predictPanel.parameters
        if isinstance(node, LongAxisNode):
            self._presentLongAxis(node)
            yield None
            return
        try:
            yield from views.presentSteps(node, parameters)
        finally:
            if not self._owner.parent.isEntered:  # `enter` adapts the views
                EnteredViews.restore()
        self._selectShown(node, parameters)
        yield None

    def _presentLongAxis(self, node: LongAxisNode) -> None:
        """Show the first long-axis slice at end-systole."""
        for browser, view in zip(node.browsers(), node.views(), strict=True):
            if browser is not None:
                browser.SetSelectedItemNumber(int(view.numbers["es_frame"]))
        rows = self.model.longAxisRows
        if rows and self._owner.parent.isEntered and not self._owner.readingPanel.ui.roomButton.checked:
            self.longAxis.look(LongAxisRows.sliceOf(rows[0]))

    def _selectShown(self, node: Any, parameters: Any) -> None:
        """Select the row of the slice in the red view, the middle one of a result, so that table and view agree.

        Another series is not selected if that would discard unfinished work in the Contours section.
        """
        used, count = self.model.usedRows, len(node.browsers())
        if len(used) != count or used[count // 2].series.cine is not parameters.resultBrowser:
            return
        row = used[count // 2]
        if row.series is self.model.current() or not self._owner.contoursPanel.holdsWork:
            self.model.select(self.model.rows.index(row))

    def _onSelected(self, row: Any) -> None:
        if row.isLongAxis:
            if not self._owner.readingPanel.ui.roomButton.checked:
                self.longAxis.look(LongAxisRows.sliceOf(row))
                self.updateLongAxis()
            return
        self._owner.contoursPanel.showDepth(row.depth, zoomed=self._look(row.series))

    def _look(self, series: Any) -> bool:
        """Show the cine of a series in the slice views, unless the reading room directs them.

        Returns:
            Whether the red view shows other images than before.
        """
        if series is None or series.cine is None or self._owner.readingPanel.ui.roomButton.checked:
            return False
        try:
            volume = CineSource(series.cine).volumeNode()
        except InputError:  # the table gives the reason
            return False
        red = slicer.app.layoutManager().sliceWidget("Red") if slicer.app.layoutManager() is not None else None
        if red is not None and red.mrmlSliceCompositeNode().GetBackgroundVolumeID() != volume.GetID():
            SliceViews.lookAt(volume)
            self._owner.onModified()  # the result of this slice is shown over its cine
            return True
        return False

    def _openRoom(self) -> None:
        self._owner.readingPanel.ui.roomButton.checked = True

    def _numbers(self, masks: Any) -> dict[int, int]:
        """Index of a slice in the volume of masks -> its number in the table."""
        return {row.depth: row.number for row in self.model.usedRows if row.series.masks is masks}
