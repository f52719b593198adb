"""Loads displacement/frame_NNN.nrrd of a result as a grid transform that moves end-diastolic points to the frame."""

from pathlib import Path
from typing import Any

import slicer


def load(path: Path, regionNode: Any = None) -> Any:
    """The transform node, displayed as arrows in the slice views.

    Args:
        path: the file.
        regionNode: volume over which arrows are drawn; without it there are no arrows.

    Raises:
        RuntimeError: Slicer cannot read the file.
    """
    node = slicer.util.loadTransform(str(path))
    # Slicer reads displacement files as transforms from the parent, for resampling; this one moves points to the parent
    grid = slicer.vtkOrientedGridTransform()
    grid.DeepCopy(node.GetTransformFromParentAs("vtkOrientedGridTransform"))
    node.SetAndObserveTransformToParent(grid)
    if regionNode is not None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetAndObserveRegionNode(regionNode)
        display.SetVisualizationMode(display.VIS_MODE_GLYPH)
        display.SetGlyphSpacingMm(5.0)
        display.SetGlyphScalePercent(100.0)
        display.SetVisibility(True)
        display.SetVisibility2D(True)
    return node
