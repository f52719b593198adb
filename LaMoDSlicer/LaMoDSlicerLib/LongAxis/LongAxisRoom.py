from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisRows, ViewNames
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.LongAxis.LongAxisSheet import LongAxisSheet
from LaMoDSlicerLib.LongAxis.LongAxisSlice import LongAxisSlice
from LaMoDSlicerLib.Reading import ReadingLayout
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Widgets.ViewTitles import ViewTitles


class LongAxisRoom:
    """Long-axis views in the reading room: a tab next to short-axis slices, or the whole sheet without any.

    Args:
        sections: the HeartSections, which have the rows and show long-axis slices.
    """

    def __init__(self, sections: Any) -> None:
        self._sections = sections
        self._node: LongAxisNode | None = None
        self._alone: LongAxisSheet | None = None
        self._tab: LongAxisSheet | None = None
        self._isOpen = False
        self._titles = ViewTitles()
        self._onTitle: Any = None

    @property
    def alone(self) -> LongAxisSheet:
        """The sheet without short-axis slices; created when it is first shown."""
        if self._alone is None:
            self._alone = LongAxisSheet(self._showAlone, withFrames=True)
        return self._alone

    @property
    def tab(self) -> LongAxisSheet:
        """The tab next to short-axis slices; created when it is first shown."""
        if self._tab is None:
            self._tab = LongAxisSheet(self._showNext, withFrames=False)
        return self._tab

    def show(self, node: LongAxisNode) -> None:
        """Show a result that was measured alone.

        Raises:
            ValueError, KeyError: the result is damaged.
        """
        self._node, self._isOpen = node, True
        isSeveral = len(self._slices()) > 1
        ReadingLayout.setSheet(self.alone.widget)
        ReadingLayout.open(ReadingLayout.LONG_TWO if isSeveral else ReadingLayout.LONG_ONE)
        self.alone.setResult(node, LongAxisKeeper.isOutOfDate(node))

    def fillTab(self, node: LongAxisNode, onTitle: Any) -> Any:
        """Fill the tab with the long-axis part of a result; returns its widget.

        Args:
            node: the long-axis part.
            onTitle: called with the title of the yellow view when it shows a long-axis view.
        """
        self._node, self._onTitle = node, onTitle
        self.tab.setResult(node, LongAxisKeeper.isOutOfDate(node))
        return self.tab.widget

    def enterTab(self, isEntered: bool) -> None:
        """Show the images of the view in the yellow view while the tab is shown."""
        self._isOpen = isEntered
        if isEntered and self._node is not None:
            self._showNext(self.tab.view)
            self.tab.redraw()

    def redraw(self) -> None:
        """Redraw the sheet that is shown."""
        for sheet in (self._alone, self._tab):
            if sheet is not None and sheet.widget.visible:
                sheet.redraw()

    def stop(self) -> None:
        """Stop playing."""
        for sheet in (self._alone, self._tab):
            if sheet is not None:
                sheet.stop()

    def close(self) -> None:
        """Leave the reading room."""
        self.stop()
        self._titles.show({})
        self._node, self._isOpen = None, False
        for sheet in (self._alone, self._tab):
            if sheet is not None:
                sheet.setResult(None)

    def _slices(self) -> list[LongAxisSlice]:
        """The slices of the scene that the views of the result show, in their order; those that are there."""
        rows = [row for row in self._sections.model.rows if row.isLongAxis and row.grid is not None]
        slices = [LongAxisRows.sliceOf(row) for row in rows]
        found = []
        for view in self._node.views():
            found += [one for one in slices if self._node.viewOf(one) is view][:1]
        return found

    def _sliceOf(self, index: int) -> LongAxisSlice | None:
        view = self._node.views()[index]
        return next((one for one in self._slices() if self._node.viewOf(one) is view), None)

    def _showAlone(self, index: int) -> None:
        """Show a view in red, and the next one in yellow."""
        if not self._isOpen or self._node is None:
            return
        views = self._node.views()
        titles = {}
        for name, place in (("Red", index), ("Yellow", (index + 1) % len(views))):
            one = self._sliceOf(place)
            if one is not None and (name == "Red" or place != index):
                self._sections.longAxis.look(one, (name,))
                titles[name] = self._title(place)
        self._titles.show(titles)
        self._sections.updateLongAxis()

    def _showNext(self, index: int) -> None:
        """Show a view in yellow, next to the short-axis slice."""
        one = self._sliceOf(index) if self._isOpen and self._node is not None else None
        if one is not None:
            self._onTitle(self._title(index))
            self._sections.longAxis.look(one, ("Yellow",))
            self._sections.updateLongAxis()

    def _title(self, index: int) -> str:
        view = self._node.views()[index]
        name = Numbering.capitalized(ViewNames.textOf(view.view))
        if LongAxisKeeper.isOutOfDate(self._node):
            return _("{view}\nout of date").format(view=name)
        low, high = (f"{limit:+.0f}".replace("-", "−") for limit in ColourRanges.limits("longitudinal"))
        return _("{view}\nmid-wall {low} … {high} %").format(view=name, low=low, high=high)
