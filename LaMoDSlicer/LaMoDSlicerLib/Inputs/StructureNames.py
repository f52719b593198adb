import re

#: SNOMED CT codes that terminologies give: 74281007 myocardium, 87878005 left and 53085002 right ventricle.
_CODES = {"myocardium": ("74281007", "304578005"), "cavity": ("87878005",), "rightVentricle": ("53085002",)}
_RIGHT = re.compile(r"\brv\b|\brvc|\bright\b|rechts|droit")
_WALL = re.compile(r"myo|\blvm\b|\bwall\b|septum")
_LEFT = re.compile(r"\blv\b|\blvc|\bleft\b|blood|cavity|\bbp\b|\bpool\b")


class StructureNames:
    """Tells from a segment's terminology or name which structure of the heart it is."""

    @staticmethod
    def structureOf(name: str, terminology: str = "") -> str | None:
        """ "myocardium", "cavity", "rightVentricle", or None where neither tells.

        Args:
            name: as people write it: "LV myocardium", "myo", "RV", "LV_bp".
            terminology: Slicer's terminology entry of the segment; its codes weigh more than the name.
        """
        for structure, codes in _CODES.items():
            if any(f"SCT^{code}^" in terminology for code in codes):
                return structure
        words = re.sub(r"[_\-./]+", " ", name).lower()
        if _RIGHT.search(words):
            return None if _WALL.search(words) else "rightVentricle"
        if _WALL.search(words):
            return "myocardium"
        return "cavity" if _LEFT.search(words) else None
