from typing import Annotated, Union

from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLSegmentationNode,
    vtkMRMLSequenceBrowserNode,
    vtkMRMLVectorVolumeNode,
)
from slicer.parameterNodeWrapper import Choice, Decimals, SingleStep, WithinRange, parameterNodeWrapper

from LaMoDSlicerLib.GlyphColor import GlyphColor
from LaMoDSlicerLib.OverlayQuantity import OverlayQuantity


@parameterNodeWrapper
class ParameterNode:
    """What the panel holds, kept in the scene."""

    cine: Union[vtkMRMLSequenceBrowserNode, vtkMRMLVectorVolumeNode]  # noqa: UP007  (Slicer 5.10 knows Union only)
    masks: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode]  # noqa: UP007
    #: Segment ID or label number; empty where it is to be found.
    myocardium: str
    rvInsertion: vtkMRMLMarkupsFiducialNode
    level: Annotated[str, Choice(["automatic", "base", "mid", "apex"])] = "automatic"

    model: str
    device: Annotated[str, Choice(["auto", "cpu", "cuda", "mps"])] = "auto"
    samples: Annotated[int, WithinRange(0, 64)] = 0
    seed: Annotated[int, WithinRange(0, 999999)] = 0
    useDiffusion: bool = True

    #: The sequence browser that shows the last result.
    resultBrowser: vtkMRMLSequenceBrowserNode
    quantity: OverlayQuantity = OverlayQuantity.ECC
    opacity: Annotated[float, WithinRange(0, 100), Decimals(0), SingleStep(5)] = 80.0
    strainRange: Annotated[float, WithinRange(5, 100), Decimals(0), SingleStep(5)] = 25.0
    displacementRange: Annotated[float, WithinRange(1, 30), Decimals(0), SingleStep(1)] = 10.0
    showLegend: bool = True
    showContours: bool = True
    showGlyphs: bool = True
    glyphSpacing: Annotated[float, WithinRange(2, 12), Decimals(1), SingleStep(0.5)] = 4.0
    glyphScale: Annotated[float, WithinRange(0.5, 4), Decimals(1), SingleStep(0.1)] = 1.0
    glyphColor: GlyphColor = GlyphColor.YELLOW
