from collections.abc import Callable, Iterable
from typing import Any

import slicer

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Display.Legend import Legend
from LaMoDSlicerLib.Display.MaterialLines import DeformingGrid, DisplacementArrows, PointTracks
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.Quantities import GlyphColor, OverlayQuantity, colorNode
from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed


class ResultDisplay:
    """Displays one result in some views with the settings of the parameter node: colours, legends, lines and wall.

    Args:
        result: the result in the scene.
    """

    def __init__(self, result: ResultScene) -> None:
        self.result = result
        self._lines = LineDisplay(result)
        self._wall = WallDisplay(result)

    def update(self, parameters: Any, views: dict[str, str], threeD: Iterable[str]) -> None:
        """Apply the settings of the ParameterNode.

        Args:
            parameters: the ParameterNode.
            views: ID of each slice node that shows the result -> the role of its colours, which may be
                `ResultScene.DIFFERENCE`; "" for none.
            threeD: IDs of the 3-D view nodes that show the result.
        """
        threeD = list(threeD)
        for role in {*(q.value for q in ResultScene.QUANTITIES), ResultScene.DIFFERENCE}:
            shownIn = [view for view, wanted in views.items() if wanted == role]
            volume = self.result.proxy(role)
            if shownIn and volume is not None:
                self._color(role)  # before the legend, which needs the colour table
            if volume is not None:
                _setLegend(volume, self._legendOf(role), shownIn if parameters.showLegend else [])
        self._lines.update(parameters, list(views))
        self._wall.update(parameters, threeD)
        self._playOnly(self._shownRoles(parameters, views, threeD))

    def drawSteps(self, parameters: Any) -> Steps:
        """Draw the lines that the settings show, in small steps, before `update`."""
        return self._lines.drawSteps(parameters)

    def hide(self) -> None:
        """Show the result in no view."""
        for role in ResultScene.ROLES:
            volume = self.result.proxy(role)
            if volume is not None and volume.IsA("vtkMRMLVolumeNode"):
                _setLegend(volume, None, [])
            elif volume is not None and volume.GetDisplayNode() is not None:
                volume.GetDisplayNode().SetVisibility(False)
        self._playOnly(())

    @staticmethod
    def _legendOf(role: str) -> Legend:
        if role == ResultScene.DIFFERENCE:
            return Legend("ΔEcc (%)", *ColourRanges.limits(role))
        return OverlayQuantity(role).legend

    def _color(self, role: str) -> None:
        display = self.result.displayOf(role)
        quantity = OverlayQuantity.ECC if role == ResultScene.DIFFERENCE else OverlayQuantity(role)
        legend = self._legendOf(role)
        display.SetAndObserveColorNodeID(colorNode(quantity).GetID())
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(legend.low, legend.high)
        display.SetInterpolate(False)  # interpolation towards `OUTSIDE` would draw a rim around the wall
        display.SetAutoThreshold(False)
        display.SetThreshold(SpatialFields.OUTSIDE / 2, 1e6)
        display.SetApplyThreshold(True)

    @staticmethod
    def _shownRoles(parameters: Any, views: dict[str, str], threeD: list[str]) -> tuple[str, ...]:
        p, scene = parameters, ResultScene
        wanted = {
            scene.CONTOURS: p.showContours,
            scene.DRAWN: p.showDrawn,
            scene.ARROWS: p.showGlyphs,
            scene.GRID: p.showGrid,
            scene.TRACKS: p.showTracks,
        }
        lines = [role for role, shown in wanted.items() if shown and views]
        return (*views.values(), *lines, *([scene.WALL] if threeD else []))

    def _playOnly(self, roles: Iterable[str]) -> None:
        """Let only these roles follow the browser's frame: Slicer copies the data of each one that does."""
        browser, shown = self.result.browserNode, set(roles)
        started = False
        for role in (*ResultScene.ROLES, ResultScene.DIFFERENCE):
            sequence = self.result.sequence(role)
            if sequence is not None and browser.GetPlayback(sequence) != (role in shown):
                browser.SetPlayback(sequence, role in shown)
                started = started or role in shown
        if started:
            slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)


def _setLegend(volume: Any, legend: Legend | None, views: list[str]) -> None:
    """Show a legend in some views only; the 3-D view would repeat it, which takes longer to draw than the lines."""
    logic = slicer.modules.colors.logic()
    node = logic.GetColorLegendDisplayNode(volume)
    if not views or legend is None:
        if node is not None:
            node.SetVisibility(False)
        return
    if node is not None and not set(views) <= set(node.GetViewNodeIDs()):
        slicer.mrmlScene.RemoveNode(node)  # a view that was created later draws only legends that are added after it
        node = None
    node = node or logic.AddDefaultColorLegendDisplayNode(volume)
    node.SetTitleText(legend.title)
    labels = _labels(views)
    # A fixed number of decimals would round the values between the limits; labels of one width have one size of text.
    node.SetLabelFormat("%5g" if labels > 3 else "%3g")
    node.SetNumberOfLabels(labels)
    node.SetMaxNumberOfColors(256)
    node.SetSize(
        _legendSide(views, 0, *(_LEGEND_WIDTH if labels > 3 else _NARROW_WIDTH)), _legendSide(views, 1, *_LEGEND_HEIGHT)
    )
    node.GetTitleTextProperty().SetFontSize(16)
    node.GetLabelTextProperty().SetFontSize(14)
    _showIn(node, views)
    node.SetVisibility(True)


#: Width and height of a legend: least and greatest fraction of its view, and pixels for labels that are legible and do
#: not overlap.
_LEGEND_WIDTH, _LEGEND_HEIGHT = (0.07, 0.25, 46.0), (0.3, 0.6, 120.0)
#: Width of a legend with three labels.
_NARROW_WIDTH = (0.07, 0.2, 32.0)
#: Width of a view, pixels, from which a legend has all labels; in narrower ones they would cover the heart.
_ALL_LABELS = 300


def _legendSide(views: list[str], axis: int, least: float, greatest: float, pixels: float) -> float:
    """A side of a legend as a fraction of its largest view in the layout."""
    sides = _sides(views, axis)
    return min(max(pixels / max(sides), least), greatest) if sides else least


def _labels(views: list[str]) -> int:
    """Number of the labels of a legend: both limits and the middle, and the values half-way where there is space."""
    widths = _sides(views, 0)
    return 3 if widths and max(widths) < _ALL_LABELS else ColourRanges.TICKS


def _sides(views: list[str], axis: int) -> list[int]:
    """Pixels of the views that the layout contains; those that are not shown yet have no size."""
    nodes = [slicer.mrmlScene.GetNodeByID(view) for view in views]
    sides = [node.GetDimensions()[axis] for node in nodes if node is not None and node.IsMappedInLayout()]
    return [side for side in sides if side > 1]


def _showIn(display: Any, views: list[str]) -> None:
    """Restrict a display node to some views; none would mean all of them."""
    if list(display.GetViewNodeIDs()) != views:
        display.SetViewNodeIDs(views)


class LineDisplay:
    """Displays the lines of a result in slice views: contours, arrows, grid, tracks.

    Args:
        result: the result in the scene.
    """

    CARRIED_RGB, DRAWN_RGB = (0.2, 0.95, 0.6), (1.0, 0.55, 0.1)
    GRID_RGB, TRACKS_RGB = (0.95, 0.95, 0.95), (1.0, 0.4, 0.9)
    THICK, THIN = 2, 1

    def __init__(self, result: ResultScene) -> None:
        self._result = result

    def update(self, parameters: Any, views: list[str]) -> None:
        """Apply the settings of the ParameterNode in these views, IDs of slice nodes."""
        p, scene = parameters, ResultScene
        if views:
            completed(self.drawSteps(p))
        self._show(scene.CONTOURS, p.showContours, self.CARRIED_RGB, self.THICK, views)
        self._show(scene.DRAWN, p.showDrawn, self.DRAWN_RGB, self.THIN, views)
        self._show(scene.ARROWS, p.showGlyphs, p.glyphColor.rgb, self.THIN, views)
        self._show(scene.GRID, p.showGrid, self.GRID_RGB, self.THIN, views)
        self._show(scene.TRACKS, p.showTracks, self.TRACKS_RGB, self.THIN, views)
        self._colorArrows(p)

    def drawSteps(self, parameters: Any) -> Steps:
        """Draw the lines that the settings show and that are not yet drawn in this way, in one step per frame."""
        p, scene = parameters, ResultScene
        every = f"{p.glyphSpacing:g} mm"
        yield from self._draw(scene.ARROWS, p.showGlyphs, f"{every} × {p.glyphScale:g}", self._arrows(p))
        yield from self._draw(scene.GRID, p.showGrid, every, lambda m: DeformingGrid(m, p.glyphSpacing))
        yield from self._draw(scene.TRACKS, p.showTracks, every, lambda m: PointTracks(m, p.glyphSpacing))

    @staticmethod
    def _arrows(p: Any) -> Callable[[MaterialMotion], Any]:
        return lambda motion: DisplacementArrows(motion, p.glyphSpacing, p.glyphScale)

    def _draw(self, role: str, wanted: bool, shape: str, make: Callable[[MaterialMotion], Any]) -> Steps:
        """Draw lines that are wanted and not yet drawn with this shape."""
        result = self._result
        if not wanted or result.sequence(role) is None or result.shapeOf(role) == shape:
            return
        motion = result.motion
        if motion is not None:
            yield from result.drawSteps(role, shape, make(motion).mesh)

    def _show(self, role: str, wanted: bool, rgb: tuple[float, float, float], thickness: int, views: list[str]) -> None:
        display = self._result.displayOf(role)
        if display is None:  # in a scene saved by an earlier version
            return
        shown = wanted and bool(views)
        if shown:
            _showIn(display, views)
            display.SetColor(*rgb)
            display.SetScalarVisibility(False)
            display.SetSliceIntersectionThickness(thickness)
        display.SetVisibility(shown)
        display.SetVisibility2D(shown)
        display.SetVisibility3D(False)

    def _colorArrows(self, parameters: Any) -> None:
        if parameters.glyphColor is not GlyphColor.MAGNITUDE or not parameters.showGlyphs:
            return
        display = self._result.displayOf(ResultScene.ARROWS)
        if display is not None:
            _colorByScalars(display, DisplacementArrows.SCALARS, OverlayQuantity.DISPLACEMENT)


class WallDisplay:
    """Displays the wall of a result in 3-D views, in the colours of the quantity.

    Args:
        result: the result in the scene.
    """

    #: Colour of the wall if no quantity is shown.
    PLAIN_RGB = (0.80, 0.62, 0.55)
    #: Share of the colour that does not depend on the light.
    AMBIENT = 0.35

    def __init__(self, result: ResultScene) -> None:
        self._result = result

    def update(self, parameters: Any, views: list[str]) -> None:
        """Apply the settings of the ParameterNode in these views, IDs of 3-D view nodes."""
        display = self._result.displayOf(ResultScene.WALL)
        if display is None:
            return
        display.SetVisibility2D(False)
        display.SetVisibility3D(bool(views))
        display.SetVisibility(bool(views))
        if not views:
            return
        _showIn(display, views)
        quantity = parameters.quantity
        if self._result.holds(quantity):
            _colorByScalars(display, quantity.value, quantity)
        else:
            display.SetScalarVisibility(False)
            display.SetColor(*self.PLAIN_RGB)
        display.SetInterpolation(display.FlatInterpolation)
        display.SetBackfaceCulling(False)
        display.SetAmbient(self.AMBIENT)  # dark shadows would hide the colours


def _colorByScalars(display: Any, name: str, quantity: OverlayQuantity) -> None:
    display.SetScalarVisibility(True)
    display.SetActiveScalarName(name)
    display.SetAndObserveColorNodeID(colorNode(quantity).GetID())
    display.SetScalarRangeFlag(display.UseManualScalarRange)
    display.SetScalarRange(*ColourRanges.limits(quantity.value))
