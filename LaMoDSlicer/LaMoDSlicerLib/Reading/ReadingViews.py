from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity
from LaMoDSlicerLib.Display.ResultDisplay import ResultDisplay
from LaMoDSlicerLib.Reading import DifferenceMap, ReadingLayout
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import HiddenMasks
from LaMoDSlicerLib.Scene.HeartView import HeartView
from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers
from LaMoDSlicerLib.Scene.StackCamera import StackCamera


class ReadingViews:
    """The contents of the slice views: the selected slice in the red view; next to it a slice of another series, or
    the second result and the difference. All views are synchronised by cardiac phase."""

    def __init__(self) -> None:
        self._views = {name: HeartView(name) for name in ("Red", "Yellow", "Green")}
        self._links = LinkedBrowsers()
        self._camera = StackCamera()
        self._node: ResultNode | None = None
        self._second: ResultNode | None = None
        self._comparison: ResultComparison | None = None
        self._parameters: Any = None
        self._placed: dict[str, Any] = {}
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
        """Forget the results; the views do not change."""
        self._links.release()
        self._camera.giveBack()
        HiddenMasks.bringBack()
        self._node = self._second = self._comparison = None
        self._placed = {}

    def showSlice(self, index: int) -> None:
        """Show one slice and the views next to it."""
        if self._node is None:
            return
        self._placed = {}
        with slicer.util.RenderBlocker():
            self._showFirst(index)
            if self._second is not None:
                self._showSecond(index)
            else:
                self._showOtherSeries(index)
            self.refresh(renewed=True)
            for browser in filter(None, {*self._node.browsers(), *(self._second.browsers() if self._second else ())}):
                HiddenMasks.setAside(browser)

    def refresh(self, renewed: bool = False) -> None:
        """Restore the overlay of each view after the panel set its own in all views.

        Args:
            renewed: the views show other volumes than before.
        """
        opacity = self._parameters.opacity / 100.0 if self._parameters is not None else 1.0
        for name, overlay in self._placed.items():
            volume = overlay()
            self._views[name].setOverlay(volume, opacity)
            legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(volume) if volume is not None else None
            if legend is not None:
                if renewed:  # a view looks for a legend when the legend changes, not when the overlay does
                    legend.SetVisibility(False)
                # the yellow view has the colours of the red one; each legend takes time to draw
                legend.SetVisibility(self._parameters.showLegend and name != "Yellow")

    def _overlayOf(self, result: ResultScene) -> Any:
        quantity = self._parameters.quantity
        wanted = quantity is not OverlayQuantity.NONE and result.holds(quantity)
        return result.proxy(quantity.value) if wanted else None

    def _place(self, name: str, result: ResultScene, centerLps: np.ndarray, overlay: Any = None) -> None:
        source = overlay or (lambda: self._overlayOf(result))
        self._styleLike(result)
        self._views[name].show(result, source(), centerLps, self._parameters.opacity / 100.0)
        self._placed[name] = source

    def _styleLike(self, result: ResultScene) -> None:
        """Apply the settings of the parameter node to a result that is not the current one."""
        if result.browserNode is not self._parameters.resultBrowser:
            ResultDisplay(result).update(self._parameters)

    def _showFirst(self, index: int) -> None:
        browser, slice_ = self._node.browsers()[index], self._node.numbers().slices[index]
        if browser is not None:
            result = ResultScene(browser)
            self._place("Red", result, slice_.centerLps)
            if not self._isFramed:  # only once: afterwards the user rotates the view
                self._isFramed = True
                self._camera.lookAt(self._node.numbers(), HeartView.reachOf(result))

    def _showOtherSeries(self, index: int) -> None:
        """Show the next slice of another series and synchronise all series."""
        browsers, numbers = self._node.browsers(), self._node.numbers()
        others = [i for i, b in enumerate(browsers) if b is not None and b is not browsers[index]]
        if not others:
            self._links.release()
            return
        neighbour = next((i for i in others if i > index), others[-1])
        self._place("Yellow", ResultScene(browsers[neighbour]), numbers.slices[neighbour].centerLps)
        self._bindLines({index: "Red", neighbour: "Yellow"}, browsers)
        followers = {browsers[i].GetID(): (browsers[i], LinkedBrowsers.phasesOf(numbers, i)) for i in others}
        self._links.link(browsers[index], LinkedBrowsers.phasesOf(numbers, index), list(followers.values()))

    def _showSecond(self, index: int) -> None:
        partner = self._comparison.partnerOf(index)
        if partner is None:
            return
        mine, theirs = self._node.browsers()[index], self._second.browsers()[partner]
        if mine is None or theirs is None:
            return
        first, second = ResultScene(mine), ResultScene(theirs)
        numbers = self._node.numbers(), self._second.numbers()
        self._place("Yellow", second, numbers[1].slices[partner].centerLps)
        if self._comparison.overlies(index):
            if first.proxy(DifferenceMap.ROLE) is None:
                DifferenceMap.create(first, numbers[0], second, numbers[1], index, partner)
            self._place("Green", first, numbers[0].slices[index].centerLps, lambda: first.proxy(DifferenceMap.ROLE))
        self._bindLines({0: "Red", 1: "Yellow"}, [mine, theirs])
        phases = LinkedBrowsers.phasesOf(numbers[0], index), LinkedBrowsers.phasesOf(numbers[1], partner)
        self._links.link(mine, phases[0], [(theirs, phases[1])])

    def _bindLines(self, shown: dict[int, str], browsers: list[Any]) -> None:
        """Show the lines of a result only in its own slice view and in 3-D."""
        threeD = [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode")]
        for index, name in shown.items():
            result = ResultScene(browsers[index])
            for role in ResultScene.LINES:
                proxy = result.proxy(role)
                display = proxy.GetDisplayNode() if proxy is not None else None
                if display is not None:
                    display.SetViewNodeIDs([self._views[name].nodeId(), *threeD])
