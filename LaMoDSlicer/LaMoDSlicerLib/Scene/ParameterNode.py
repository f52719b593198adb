from typing import Annotated, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSequenceBrowserNode,
    vtkMRMLVectorVolumeNode,
)
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Display.Quantities import GlyphColor, OverlayQuantity


@parameterNodeWrapper
class ParameterNode:
    """The parameters of the panel, saved with the scene."""

    # Slicer's parameter nodes support typing.Union with None among its members, but not "A | B | None"
    cine: Union[vtkMRMLSequenceBrowserNode, vtkMRMLVectorVolumeNode, None]  # noqa: UP007
    masks: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007
    #: Segment ID or label number; empty to identify it automatically.
    myocardium: str
    rvInsertion: vtkMRMLMarkupsFiducialNode
    level: Annotated[str, Choice(["automatic", "base", "mid", "apex"])] = "automatic"
    #: Reverse the order of the slices that was found.
    swapBaseAndApex: bool = False
    #: R–R interval where the data contain none; 0 if it is not known.
    rrMs: Annotated[float, WithinRange(0, 2200)] = 0.0
    #: End-diastolic frame, counted from 1; 0 to find it.
    referenceFrame: Annotated[int, WithinRange(0, 999)] = 0
    #: Of all slices; "auto" is that of the contour engine for automatic contours, otherwise inferred by the model.
    contourConvention: Annotated[str, Choice(["auto", "blood-pool", "tissue"])] = "auto"

    model: str
    device: Annotated[str, Choice(["auto", "cpu", "cuda", "mps"])] = "auto"
    samples: Annotated[int, WithinRange(0, 64)] = 0
    seed: Annotated[int, WithinRange(0, 999999)] = 0
    useDiffusion: bool = True

    #: The sequence browser that shows the last result.
    resultBrowser: vtkMRMLSequenceBrowserNode
    quantity: OverlayQuantity = OverlayQuantity.ECC
    opacity: Annotated[float, WithinRange(0, 100)] = 80.0
    strainRange: Annotated[float, WithinRange(5, 100)] = ColourRanges.default("ecc")
    radialRange: Annotated[float, WithinRange(10, 200)] = ColourRanges.default("err")
    displacementRange: Annotated[float, WithinRange(1, 30)] = ColourRanges.default("displacement")
    uncertaintyRange: Annotated[float, WithinRange(1, 20)] = ColourRanges.default("uncertainty")
    showLegend: bool = True
    showContours: bool = True
    showDrawn: bool = True
    showGlyphs: bool = True
    showGrid: bool = False
    showTracks: bool = False
    glyphSpacing: Annotated[float, WithinRange(2, 12)] = 5.0
    glyphScale: Annotated[float, WithinRange(0.5, 4)] = 1.0
    glyphColor: GlyphColor = GlyphColor.YELLOW
