from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display.ResultViews import ResultViews
from LaMoDSlicerLib.Reading import DifferenceMap, ReadingLayout
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import HiddenMasks
from LaMoDSlicerLib.Scene.HeartView import HeartView
from LaMoDSlicerLib.Scene.StackCamera import StackCamera
from LaMoDSlicerLib.Widgets.ViewTitles import ViewTitles


class ReadingViews:
    """The contents of the slice views: the selected slice in the red view; next to it a slice of another series, or
    the second result and the difference.

    Args:
        results: applies the settings of the Display section to what is placed here.
    """

    def __init__(self, results: ResultViews | None = None) -> None:
        self._results = results or ResultViews()
        self._views = {name: HeartView(name) for name in ("Red", "Yellow", "Green")}
        self._camera = StackCamera()
        self._titles = ViewTitles()
        self._node: ResultNode | None = None
        self._second: ResultNode | None = None
        self._comparison: ResultComparison | None = None
        self._parameters: Any = None
        self._isFramed = False

    @staticmethod
    def layoutFor(node: ResultNode, second: ResultNode | None, comparison: ResultComparison | None) -> int:
        """The layout that these results need."""
        if second is not None and comparison is not None:
            overlies = any(comparison.overlies(i) for i in range(len(node.browsers())))
            return ReadingLayout.COMPARISON if overlies else ReadingLayout.TWO
        return ReadingLayout.TWO if len(set(node.browsers())) > 1 else ReadingLayout.ONE

    def setResults(
        self, node: ResultNode, second: ResultNode | None, comparison: ResultComparison | None, parameters: Any
    ) -> None:
        """Set what to show.

        Args:
            node: the result.
            second: the result to compare with, or None.
            comparison: of both, or None.
            parameters: the ParameterNode.
        """
        self._node, self._second, self._comparison, self._parameters = node, second, comparison, parameters
        self._isFramed = False

    def release(self) -> None:
        """Forget the results; the views do not change until the next update of the panel."""
        self._results.release()
        self._camera.giveBack()
        self._titles.show({})
        HiddenMasks.bringBack()
        self._node = self._second = self._comparison = None

    def giveYellow(self, title: str) -> None:
        """Leave the yellow view to a long-axis slice with this title."""
        self._results.free("Yellow")
        self._results.update(self._parameters)
        self._titles.show({**self._titles.titles, "Yellow": title})

    def showSlice(self, index: int) -> None:
        """Show one slice and the views next to it."""
        if self._node is None:
            return
        with slicer.util.RenderBlocker():
            self._results.release()
            titles = self._showFirst(index)
            titles |= self._showSecond(index) if self._second is not None else self._showOtherSeries(index)
            self._titles.show(titles)
            self._results.update(self._parameters)
            for browser in filter(None, {*self._node.browsers(), *(self._second.browsers() if self._second else ())}):
                HiddenMasks.setAside(browser)

    def _place(self, name: str, result: ResultScene, centerLps: np.ndarray, role: str = "") -> None:
        self._views[name].show(result, centerLps)
        self._results.place(name, result.browserNode, role)

    def _showFirst(self, index: int) -> dict[str, str]:
        """Show the slice in the red view; returns the titles of the views, as the functions below do."""
        browser, slice_ = self._node.browsers()[index], self._node.numbers().slices[index]
        if browser is None:
            return {}
        result = self._results.resultOf(browser)
        self._place("Red", result, slice_.centerLps)
        if not self._isFramed:  # only once: afterwards the user rotates the view
            self._isFramed = True
            self._camera.lookAt(self._node.numbers(), HeartView.reachOf(result))
        title = slice_.label if self._second is None else _("First: {slice}").format(slice=slice_.label)
        return {"Red": title}

    def _showOtherSeries(self, index: int) -> dict[str, str]:
        """Show the next slice of another series."""
        browsers, numbers = self._node.browsers(), self._node.numbers()
        others = [i for i, b in enumerate(browsers) if b is not None and b is not browsers[index]]
        if not others:
            return {}
        neighbour = next((i for i in others if i > index), others[-1])
        self._place("Yellow", self._results.resultOf(browsers[neighbour]), numbers.slices[neighbour].centerLps)
        return {"Yellow": numbers.slices[neighbour].label}

    def _showSecond(self, index: int) -> dict[str, str]:
        partner = self._comparison.partnerOf(index)
        if partner is None:
            return {}
        mine, theirs = self._node.browsers()[index], self._second.browsers()[partner]
        if mine is None or theirs is None:
            return {}
        first, second = self._results.resultOf(mine), self._results.resultOf(theirs)
        numbers = self._node.numbers(), self._second.numbers()
        self._place("Yellow", second, numbers[1].slices[partner].centerLps)
        titles = {"Yellow": _("Second: {slice}").format(slice=numbers[1].slices[partner].label)}
        if self._comparison.overlies(index):
            if not DifferenceMap.isOf(first, second):
                DifferenceMap.create(first, numbers[0], second, numbers[1], index, partner)
            self._place("Green", first, numbers[0].slices[index].centerLps, ResultScene.DIFFERENCE)
            titles["Green"] = _("First − second")
        return titles
