from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.Display.ResultDisplay import ResultDisplay
from LaMoDSlicerLib.Reading import DifferenceMap, ReadingLayout
from LaMoDSlicerLib.Reading.Comparison import Comparison
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import HiddenMasks
from LaMoDSlicerLib.Scene.HeartView import HeartView
from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers
from LaMoDSlicerLib.Scene.StackCamera import StackCamera


class ReadingViews:
    """Which slice view shows what: the slice that is read in red; beside it another series' slice, or the second
    result and the difference. All beat together."""

    def __init__(self) -> None:
        self._views = {name: HeartView(name) for name in ("Red", "Yellow", "Green")}
        self._links = LinkedBrowsers()
        self._camera = StackCamera()
        self._node: ReadingNode | None = None
        self._second: ReadingNode | None = None
        self._comparison: Comparison | None = None
        self._parameters: Any = None
        self._placed: dict[str, Any] = {}
        self._isFramed = False

    @staticmethod
    def layoutFor(node: ReadingNode, second: ReadingNode | None, comparison: Comparison | None) -> int:
        """The layout that these results need."""
        if second is not None and comparison is not None:
            overlies = any(comparison.overlies(i) for i in range(len(node.browsers())))
            return ReadingLayout.COMPARISON if overlies else ReadingLayout.TWO
        return ReadingLayout.TWO if len(set(node.browsers())) > 1 else ReadingLayout.ONE

    def setResults(
        self, node: ReadingNode, second: ReadingNode | None, comparison: Comparison | None, parameters: Any
    ) -> None:
        """Args: node: what is read. second: what it is compared with, or None. parameters: how it is shown."""
        self._node, self._second, self._comparison, self._parameters = node, second, comparison, parameters
        self._isFramed = False

    def release(self) -> None:
        """Forget the results; the views stay as they are."""
        self._links.release()
        self._camera.giveBack()
        HiddenMasks.bringBack()
        self._node = self._second = self._comparison = None
        self._placed = {}

    def showSlice(self, index: int) -> None:
        """Show one slice, and what belongs beside it."""
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
        """The panel set its colours in every view: put each view's own back.

        Args:
            renewed: the views show other volumes than before.
        """
        opacity = self._parameters.opacity / 100.0 if self._parameters is not None else 1.0
        for name, overlay in self._placed.items():
            volume = overlay()
            self._views[name].setOverlay(volume, opacity)
            legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(volume) if volume is not None else None
            if legend is not None:
                if renewed:  # a view looks for its legend when that changes, not when its colours do
                    legend.SetVisibility(False)
                # the yellow view has the colours of the red one: one legend says them, and each costs time
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
        """Colours, legend and lines of another result as the parameter node says."""
        if result.browserNode is not self._parameters.resultBrowser:
            ResultDisplay(result).update(self._parameters)

    def _showFirst(self, index: int) -> None:
        browser, slice_ = self._node.browsers()[index], self._node.reading().slices[index]
        if browser is not None:
            result = ResultScene(browser)
            self._place("Red", result, slice_.centerLps)
            if not self._isFramed:  # once: afterwards the person turns it
                self._isFramed = True
                self._camera.lookAt(self._node.reading(), HeartView.reachOf(result))

    def _showOtherSeries(self, index: int) -> None:
        """The next slice that lies in another series, and all series in step."""
        browsers, reading = self._node.browsers(), self._node.reading()
        others = [i for i, b in enumerate(browsers) if b is not None and b is not browsers[index]]
        if not others:
            self._links.release()
            return
        beside = next((i for i in others if i > index), others[-1])
        self._place("Yellow", ResultScene(browsers[beside]), reading.slices[beside].centerLps)
        self._bindLines({index: "Red", beside: "Yellow"}, browsers)
        followers = {browsers[i].GetID(): (browsers[i], LinkedBrowsers.phasesOf(reading, i)) for i in others}
        self._links.link(browsers[index], LinkedBrowsers.phasesOf(reading, index), list(followers.values()))

    def _showSecond(self, index: int) -> None:
        partner = self._comparison.partnerOf(index)
        if partner is None:
            return
        mine, theirs = self._node.browsers()[index], self._second.browsers()[partner]
        if mine is None or theirs is None:
            return
        first, second = ResultScene(mine), ResultScene(theirs)
        readings = self._node.reading(), self._second.reading()
        self._place("Yellow", second, readings[1].slices[partner].centerLps)
        if self._comparison.overlies(index):
            if first.proxy(DifferenceMap.ROLE) is None:
                DifferenceMap.create(first, readings[0], second, readings[1], index, partner)
            self._place("Green", first, readings[0].slices[index].centerLps, lambda: first.proxy(DifferenceMap.ROLE))
        self._bindLines({0: "Red", 1: "Yellow"}, [mine, theirs])
        phases = LinkedBrowsers.phasesOf(readings[0], index), LinkedBrowsers.phasesOf(readings[1], partner)
        self._links.link(mine, phases[0], [(theirs, phases[1])])

    def _bindLines(self, shown: dict[int, str], browsers: list[Any]) -> None:
        """Contours and arrows of a result stay in its own view (and in 3-D)."""
        threeD = [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode")]
        for index, name in shown.items():
            result = ResultScene(browsers[index])
            for role in ResultScene.LINES:
                proxy = result.proxy(role)
                display = proxy.GetDisplayNode() if proxy is not None else None
                if display is not None:
                    display.SetViewNodeIDs([self._views[name].nodeId(), *threeD])
