import enum


class OverlayQuantity(enum.Enum):
    """What the colours on the myocardium show."""

    ECC = "ecc"
    ERR = "err"
    E1 = "e1"
    E2 = "e2"
    DISPLACEMENT = "displacement"
    UNCERTAINTY = "uncertainty"
    NONE = "none"

    def label(self) -> str:
        """For the selector and for node names."""
        return {
            "ecc": "Ecc, circumferential strain",
            "err": "Err, radial strain",
            "e1": "E1, first principal strain",
            "e2": "E2, second principal strain",
            "displacement": "|u|, displacement",
            "uncertainty": "SD of Ecc, the model's own uncertainty",
            "none": "None",
        }[self.value]

    @property
    def shortName(self) -> str:
        names = {"ecc": "Ecc", "err": "Err", "e1": "E1", "e2": "E2", "displacement": "|u|", "uncertainty": "SD of Ecc"}
        return names.get(self.value, "")

    @property
    def legendTitle(self) -> str:
        """Short: the legend's letters grow with its height, whatever their number. VTK takes | for a column's edge."""
        names = {"displacement": "u", "uncertainty": "SD"}
        return f"{names.get(self.value, self.shortName)} [{self.unit}]"

    @property
    def unit(self) -> str:
        """Strain is shown in per cent: the legend cannot scale."""
        return "mm" if self is OverlayQuantity.DISPLACEMENT else "%"

    @property
    def field(self) -> str:
        """What the result files call it; "" where it is no field of theirs."""
        fields = {"displacement": "", "none": "", "uncertainty": "ecc_std"}
        return fields.get(self.value, self.value)

    @property
    def isStrain(self) -> bool:
        """Whether it has a sign: diverging colours about zero."""
        return self in (OverlayQuantity.ECC, OverlayQuantity.ERR, OverlayQuantity.E1, OverlayQuantity.E2)

    @property
    def isRadial(self) -> bool:
        """Whether it is twice or three times as large as circumferential strain in a healthy heart."""
        return self in (OverlayQuantity.ERR, OverlayQuantity.E1)
