from pathlib import Path
from typing import Any

import slicer


class DisplacementTransform:
    """A result's displacement/frame_NNN.nrrd as a grid transform: it carries end-diastolic points to the frame."""

    @staticmethod
    def load(path: Path, regionNode: Any = None) -> Any:
        """The transform node, its arrows shown in the slice views.

        Args:
            path: the file.
            regionNode: volume over which arrows are drawn; none are drawn without it.

        Raises:
            RuntimeError: Slicer cannot read the file.
        """
        node = slicer.util.loadTransform(str(path))
        # Slicer takes a displacement file for one of resampling, from the parent: this one moves points, to it
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
