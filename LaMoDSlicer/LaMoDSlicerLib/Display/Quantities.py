import enum
from typing import Any

import numpy as np
import slicer

from LaMoDSlicerLib.Display import ColourRanges
from LaMoDSlicerLib.Display.Legend import Legend

#: Colours at even steps. Blue shortens, red stretches, white is no strain.
_DIVERGING = ((0.02, 0.19, 0.58), (0.26, 0.58, 0.90), (0.97, 0.97, 0.97), (0.94, 0.45, 0.32), (0.60, 0.02, 0.10))
#: Dark through purple and orange to yellow.
_SEQUENTIAL = ((0.05, 0.03, 0.25), (0.40, 0.05, 0.45), (0.73, 0.22, 0.33), (0.96, 0.50, 0.15), (0.98, 0.95, 0.40))


class ShownQuantity(enum.Enum):
    """A quantity shown by colours: value in files and scenes, text, unit, and whether it is a strain.

    Strain has a sign and is shown in diverging colours about zero.
    """

    def __new__(cls, value: str, text: str, unit: str, isStrain: bool = False) -> "ShownQuantity":
        member = object.__new__(cls)
        member._value_ = value
        member.text, member.unit, member.isStrain = text, unit, isStrain
        return member

    def label(self) -> str:
        """Entry in selectors."""
        return self.text


class OverlayQuantity(ShownQuantity):
    """The quantity that colours the myocardium. Strain is in per cent, because Slicer's legend cannot scale."""

    ECC = "ecc", "Ecc, circumferential strain", "%", True
    ERR = "err", "Err, radial strain", "%", True
    E1 = "e1", "E1, first principal strain", "%", True
    E2 = "e2", "E2, second principal strain", "%", True
    DISPLACEMENT = "displacement", "|u|, displacement", "mm"
    UNCERTAINTY = "uncertainty", "SD of Ecc over the model's samples", "%"
    NONE = "none", "None", "%"

    @property
    def shortName(self) -> str:
        """For node names."""
        return self.text.split(",")[0]

    @property
    def legendTitle(self) -> str:
        """A short title, as the legend's font grows with the legend. VTK interprets "|" as a column separator."""
        names = {"displacement": "u", "uncertainty": "SD"}
        return f"{names.get(self.value, self.shortName)} ({self.unit})"

    @property
    def legend(self) -> Legend:
        """Title and limits of the legend."""
        return Legend(self.legendTitle, *ColourRanges.limits(self.value))

    @property
    def field(self) -> str:
        """Name of the field in `ResultStack.fields`; "" for displacement and none."""
        fields = {"displacement": "", "none": "", "uncertainty": "ecc_std"}
        return fields.get(self.value, self.value)

    @property
    def isRadial(self) -> bool:
        """Whether it is two to three times as large as circumferential strain in a healthy heart."""
        return self in (OverlayQuantity.ERR, OverlayQuantity.E1)


class GlyphColor(enum.Enum):
    """Colour of the displacement arrows."""

    YELLOW = "yellow"
    WHITE = "white"
    BLACK = "black"
    MAGNITUDE = "magnitude"

    def label(self) -> str:
        return {"magnitude": "By displacement"}.get(self.value, self.value.capitalize())

    @property
    def rgb(self) -> tuple[float, float, float]:
        return {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}.get(self.value, (1.0, 0.9, 0.2))


def colorNode(quantity: OverlayQuantity) -> Any:
    """The colour table of a quantity, created if the scene has none."""
    name, stops = ("LaMoD diverging", _DIVERGING) if quantity.isStrain else ("LaMoD sequential", _SEQUENTIAL)
    node = slicer.mrmlScene.GetFirstNodeByName(name)
    if node is not None and node.IsA("vtkMRMLColorTableNode"):
        return node
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToUser()
    node.SetName(name)
    node.SetNumberOfColors(256)
    positions, colors = np.linspace(0, 255, len(stops)), np.array(stops)
    for i in range(256):
        rgb = [float(np.interp(i, positions, colors[:, channel])) for channel in range(3)]
        node.SetColor(i, str(i), *rgb, 1.0)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(True)
    return slicer.mrmlScene.AddNode(node)
