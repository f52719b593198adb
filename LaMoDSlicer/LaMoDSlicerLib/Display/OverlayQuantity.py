from LaMoDSlicerLib.Display.ShownQuantity import ShownQuantity


class OverlayQuantity(ShownQuantity):
    """What the colours on the myocardium show. Strain is in per cent: the legend cannot scale."""

    ECC = "ecc", "Ecc, circumferential strain", "%", True
    ERR = "err", "Err, radial strain", "%", True
    E1 = "e1", "E1, first principal strain", "%", True
    E2 = "e2", "E2, second principal strain", "%", True
    DISPLACEMENT = "displacement", "|u|, displacement", "mm"
    UNCERTAINTY = "uncertainty", "SD of Ecc, the model's own uncertainty", "%"
    NONE = "none", "None", "%"

    @property
    def shortName(self) -> str:
        """For node names."""
        return self.text.split(",")[0]

    @property
    def legendTitle(self) -> str:
        """Short: the legend's letters grow with its height, whatever their number. VTK takes | for a column's edge."""
        names = {"displacement": "u", "uncertainty": "SD"}
        return f"{names.get(self.value, self.shortName)} [{self.unit}]"

    @property
    def field(self) -> str:
        """What the result files call it; "" where it is no field of theirs."""
        fields = {"displacement": "", "none": "", "uncertainty": "ecc_std"}
        return fields.get(self.value, self.value)

    @property
    def isRadial(self) -> bool:
        """Whether it is twice or three times as large as circumferential strain in a healthy heart."""
        return self in (OverlayQuantity.ERR, OverlayQuantity.E1)
