from collections.abc import Callable
from typing import Any

from LaMoDSlicerLib.Display.ColorScales import ColorScales
from LaMoDSlicerLib.Display.DeformingGrid import DeformingGrid
from LaMoDSlicerLib.Display.DisplacementArrows import DisplacementArrows
from LaMoDSlicerLib.Display.GlyphColor import GlyphColor
from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
from LaMoDSlicerLib.Display.OverlayQuantity import OverlayQuantity
from LaMoDSlicerLib.Display.PointTracks import PointTracks
from LaMoDSlicerLib.Results.ResultScene import ResultScene


class LineDisplay:
    """Shows a result's lines as the parameter node says: contours, arrows, grid, tracks.

    Args:
        result: what is in the scene.
    """

    CARRIED_RGB, DRAWN_RGB = (0.2, 0.95, 0.6), (1.0, 0.55, 0.1)
    GRID_RGB, TRACKS_RGB = (0.95, 0.95, 0.95), (1.0, 0.4, 0.9)
    THICK, THIN = 2, 1

    def __init__(self, result: ResultScene) -> None:
        self._result = result

    def update(self, parameters: Any) -> None:
        """Args: parameters: the ParameterNode."""
        p, scene = parameters, ResultScene
        self._draw(scene.ARROWS, p.showGlyphs, f"{p.glyphSpacing:g} mm × {p.glyphScale:g}", self._arrows(p))
        self._draw(scene.GRID, p.showGrid, f"{p.glyphSpacing:g} mm", lambda m: DeformingGrid(m, p.glyphSpacing))
        self._draw(scene.TRACKS, p.showTracks, f"{p.glyphSpacing:g} mm", lambda m: PointTracks(m, p.glyphSpacing))
        self._show(scene.CONTOURS, p.showContours, self.CARRIED_RGB, self.THICK, in3D=True)
        self._show(scene.DRAWN, p.showDrawn, self.DRAWN_RGB, self.THIN)
        self._show(scene.ARROWS, p.showGlyphs, p.glyphColor.rgb, self.THICK)
        self._show(scene.GRID, p.showGrid, self.GRID_RGB, self.THIN)
        self._show(scene.TRACKS, p.showTracks, self.TRACKS_RGB, self.THIN)
        self._colorArrows(p)

    @staticmethod
    def _arrows(p: Any) -> Callable[[MaterialMotion], Any]:
        return lambda motion: DisplacementArrows(motion, p.glyphSpacing, p.glyphScale)

    def _draw(self, role: str, wanted: bool, shape: str, make: Callable[[MaterialMotion], Any]) -> None:
        """Draw what is to be seen and is not there in this shape."""
        result = self._result
        if not wanted or result.sequence(role) is None or result.shapeOf(role) == shape:
            return
        motion = result.motion
        if motion is not None:
            result.draw(role, shape, make(motion).mesh)

    def _show(
        self, role: str, shown: bool, rgb: tuple[float, float, float], thickness: int, in3D: bool = False
    ) -> None:
        display = self._result.displayOf(role)
        if display is None:  # a scene that was saved by an earlier version
            return
        display.SetVisibility(shown)
        display.SetVisibility2D(shown)
        display.SetVisibility3D(shown and in3D)
        display.SetScalarVisibility(False)
        display.SetColor(*rgb)
        display.SetLighting(in3D)  # else a stack of rings is a blot
        display.SetSliceIntersectionThickness(thickness)

    def _colorArrows(self, parameters: Any) -> None:
        if parameters.glyphColor is not GlyphColor.MAGNITUDE or not parameters.showGlyphs:
            return
        display = self._result.displayOf(ResultScene.ARROWS)
        if display is None:
            return
        display.SetScalarVisibility(True)
        display.SetActiveScalarName(DisplacementArrows.SCALARS)
        display.SetAndObserveColorNodeID(ColorScales.nodeFor(OverlayQuantity.DISPLACEMENT).GetID())
        display.SetScalarRangeFlag(display.UseManualScalarRange)
        display.SetScalarRange(0.0, parameters.displacementRange)
