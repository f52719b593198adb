from collections.abc import Callable, Iterator
from typing import Any

import slicer

from LaMoDSlicerLib.Display.ResultDisplay import ResultDisplay
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Results import MotionStore, ResultContours
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.HeartView import HeartView
from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers
from LaMoDSlicerLib.Scene.StackCamera import StackCamera
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed


class ResultViews:
    """Decides which result each view shows, and applies the settings of the Display section to all of them.

    A slice view shows the series of the current result whose images are in its background. Another result, or other
    colours, are shown in a view where `place` puts them, until `release`. Results that no view shows are hidden.
    """

    #: Node reference and attribute of a slice node: the browser placed there and the role of its colours.
    _BROWSER, _ROLE = "LaMoD.Result", "LaMoD.Colours"
    #: Shared, because browsers that two objects link would not come to rest.
    _links = LinkedBrowsers()

    def __init__(self) -> None:
        self._displays: dict[tuple[str, str, str], ResultDisplay] = {}
        #: Called when other results may be shown than before.
        self.onShown: Callable[[], None] = lambda: None

    def place(self, name: str, browserNode: Any, role: str = "") -> None:
        """Let a slice view show a result until `release`; `update` applies it.

        Args:
            name: layout name of the view.
            browserNode: the browser that shows the result.
            role: of the colours; "" for the quantity of the Display section.
        """
        for node, _composite in _sliceViews():
            if node.GetLayoutName() == name:
                node.SetNodeReferenceID(self._BROWSER, browserNode.GetID())
                node.SetAttribute(self._ROLE, role or None)

    def placedIn(self, name: str) -> Any:
        """The browser that `place` put into a slice view, or None."""
        placed = (self._placed(node) for node, _composite in _sliceViews() if node.GetLayoutName() == name)
        return next((browser for browser, _role in filter(None, placed)), None)

    def release(self) -> None:
        """Undo `place`; `update` applies it."""
        for node, _composite in _sliceViews():
            node.SetNodeReferenceID(self._BROWSER, None)
            node.SetAttribute(self._ROLE, None)

    def free(self, name: str) -> None:
        """Undo `place` in one view."""
        for node, _composite in _sliceViews():
            if node.GetLayoutName() == name:
                node.SetNodeReferenceID(self._BROWSER, None)
                node.SetAttribute(self._ROLE, None)

    def forget(self) -> None:
        """Release the scene."""
        self._links.release()
        self._displays = {}

    def resultOf(self, browserNode: Any) -> ResultScene:
        """The result that a browser shows. Equal calls return the same object, which has read its motion."""
        return self._displayOf(browserNode).result

    def present(self, node: ResultNode, parameters: Any) -> None:
        """Make a result the current one and show it: its middle slice at end-systole, zoomed, without the masks.

        A result of several series has its basal and apical series in the yellow and green view.

        Args:
            node: the result.
            parameters: the ParameterNode.
        """
        completed(self.presentSteps(node, parameters))

    def presentSteps(self, node: ResultNode, parameters: Any) -> Steps:
        """As `present`, in small steps; a new result's lines that are displayed are drawn first."""
        for scene in node.scenes:
            self._keep(scene)
            yield from self._displayOf(scene.browserNode).drawSteps(parameters)
        numbers, browsers = node.numbers(), node.browsers()
        middle = len(browsers) // 2
        self.release()
        parameters.resultBrowser = browsers[middle]
        for browser in dict.fromkeys(browsers):
            browser.SetSelectedItemNumber(numbers.endSystole)
            yield None
        for masks in self._masksOf(node, parameters):
            SliceViews.hideMasks(masks)
        current = self.resultOf(browsers[middle])
        SliceViews.lookAt(current.background())
        HeartView("Red").show(current, numbers.slices[middle].centerLps)
        for name, index in (("Yellow", 0), ("Green", len(browsers) - 1)):
            if browsers[index] is not browsers[middle]:
                HeartView(name).show(self.resultOf(browsers[index]), numbers.slices[index].centerLps)
        StackCamera().lookAt(numbers, HeartView.reachOf(current))
        yield None
        self.update(parameters)
        yield None

    @staticmethod
    def _masksOf(node: ResultNode, parameters: Any) -> list[Any]:
        """The masks of a result, and those that follow its browsers."""
        found = [*ResultContours.masksOf(node), parameters.masks]
        for masks in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
            if any(browser.GetSequenceNode(masks) is not None for browser in node.browsers() if browser is not None):
                found.append(masks)
        return [masks for masks in dict.fromkeys(found) if masks is not None]

    def update(self, parameters: Any) -> None:
        """Apply the settings of the ParameterNode to every view that shows a result, and hide other results."""
        current = self._currentBrowsers(parameters.resultBrowser)
        views: dict[str, dict[str, str]] = {browser.GetID(): {} for browser in current}
        for node, composite in _sliceViews():
            browser, role = self._placed(node) or (self._browserIn(composite, current), "")
            role = role or parameters.quantity.value
            volume = self._displayOf(browser).result.proxy(role) if browser is not None else None
            _setColours(composite, volume, parameters.opacity / 100.0)
            if browser is not None:
                views.setdefault(browser.GetID(), {})[node.GetID()] = role if volume is not None else ""
        threeD = [node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLViewNode")]
        for browser in self._allBrowsers():
            display = self._displayOf(browser)
            if browser.GetID() in views:
                display.update(parameters, views[browser.GetID()], threeD if browser in current else [])
            else:
                display.hide()
        self._link(list(views))
        self.onShown()

    def _placed(self, sliceNode: Any) -> tuple[Any, str] | None:
        browser = sliceNode.GetNodeReference(self._BROWSER)
        if browser is None or not ResultScene(browser).isShown:
            return None
        return browser, sliceNode.GetAttribute(self._ROLE) or ""

    @staticmethod
    def _currentBrowsers(browser: Any) -> list[Any]:
        """The browsers of the current result, that of the panel first."""
        if browser is None or not ResultScene(browser).isShown:
            return []
        node = ResultNode.ofBrowser(browser)
        others = [b for b in node.browsers() if b is not None and ResultScene(b).isShown] if node is not None else []
        return list(dict.fromkeys([browser, *others]))

    def _browserIn(self, composite: Any, current: list[Any]) -> Any:
        """The series of the current result whose images a view shows; the first one if it shows no series at all.

        None if the view shows images of another series: the colours would lie over the wrong images.
        """
        background = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        for browser in current:
            if background is not None and self._displayOf(browser).result.background() is background:
                return browser
        if background is not None and self._isOfOtherSeries(background, current):
            return None
        return current[0] if current else None

    @staticmethod
    def _isOfOtherSeries(volume: Any, current: list[Any]) -> bool:
        """Whether a volume is a frame of sequences whose browsers do not show the current result."""
        browsers = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
        owners = [browser for browser in browsers if browser.GetSequenceNode(volume) is not None]
        return bool(owners) and not any(owner in current for owner in owners)

    @staticmethod
    def _allBrowsers() -> list[Any]:
        """The browsers of every result in the scene."""
        return [
            browser
            for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
            if ResultScene(browser).isShown
        ]

    def _displayOf(self, browserNode: Any) -> ResultDisplay:
        """The display of the result on a browser; another result there has another display."""
        key = self._keyOf(browserNode)
        return self._displays[key] if key in self._displays else self._keep(ResultScene(browserNode))

    @staticmethod
    def _keyOf(browserNode: Any) -> tuple[str, str, str]:
        numbers, motion = ResultNode.ofBrowser(browserNode), MotionStore.nodeOf(browserNode)
        return (
            browserNode.GetID(),
            numbers.node.GetID() if numbers is not None else "",
            motion.GetID() if motion is not None else "",
        )

    def _keep(self, result: ResultScene) -> ResultDisplay:
        """A display of a result, instead of displays of earlier results on its browser."""
        key = self._keyOf(result.browserNode)
        known = {node.GetID() for node in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")}
        kept = {k: d for k, d in self._displays.items() if k[0] in known and k[0] != key[0]}
        self._displays = {**kept, key: ResultDisplay(result)}
        return self._displays[key]

    def _link(self, browserIds: list[str]) -> None:
        linked = []
        for browserId in browserIds:
            browser = slicer.mrmlScene.GetNodeByID(browserId)
            node = ResultNode.ofBrowser(browser)
            if node is None:
                continue
            try:
                phases = LinkedBrowsers.phasesOf(node.numbers(), node.browsers().index(browser))
            except (ValueError, KeyError):  # numbers of a later version, or damaged
                continue
            linked.append((browser, phases))
        known = {browser.GetID() for browser, _phases in linked}
        for node in LongAxisNode.all():
            linked += [each for each in node.linked() if each[0].GetID() not in known]
            known |= {browser.GetID() for browser, _phases in linked}
        self._links.link(linked)


def _sliceViews() -> Iterator[tuple[Any, Any]]:
    """(slice node, composite node) of every slice view."""
    composites = {node.GetLayoutName(): node for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")}
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        if node.GetLayoutName() in composites:
            yield node, composites[node.GetLayoutName()]


def _setColours(composite: Any, volume: Any, opacity: float) -> None:
    """Show the colours of a result in a view; None removes those of any result, and leaves other volumes."""
    if volume is not None:
        composite.SetForegroundVolumeID(volume.GetID())
        composite.SetForegroundOpacity(opacity)
        return
    shown = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
    roles = {*(q.value for q in ResultScene.QUANTITIES), ResultScene.DIFFERENCE}
    if shown is None or shown.GetAttribute("LaMoD.Role") in roles:
        composite.SetForegroundVolumeID(None)
