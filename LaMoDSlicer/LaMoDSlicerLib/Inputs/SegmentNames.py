"""The structure that a segment shows, by its terminology and its name in the common languages and programs."""

import re
import unicodedata

#: SNOMED CT codes in terminology entries: 74281007 myocardium, 87878005 left ventricle, 53085002 right ventricle.
_CODES = {"myocardium": ("74281007", "304578005"), "cavity": ("87878005",), "rightVentricle": ("53085002",)}
_NOT_USED = re.compile(
    r"atri|\bla\b|\bra\b|vorhof|oreillette|auricul|aort|pulmon|\bpa\b|valve|klappe|papillar|trabecul|scar\b|narbe"
    r"|infarct|fibros|\blge\b|\bfat\b|\bfett\b|pericard|perikard|liver|lung|предсерд|心房|심방"
)
_RIGHT = re.compile(r"\brv|\bright\b|\brecht|\bdroit|\bderech|\bdestr|\bdireit|\bdext|\bpraw|\bправ|右|우심")
_EPICARDIUM = re.compile(r"\b(lv|rv)? ?epi|epi[ck]ard|\bouter\b|\baussen|\bextern|эпикард|心外膜|심외막")
_ENDOCARDIUM = re.compile(r"\b(lv|rv)? ?endo|endo[ck]ard|\binner\b|\binnen|\bintern|эндокард|心内膜|심내막")
_WALL = re.compile(
    r"myo|mio[ck]ard|\blvm\b|\bwall\b|wand\b|\bmuscle\b|muskel|\bparoi\b|\bpared\b|\bparete\b|\bparede\b"
    r"|miesien|миокард|心肌|心筋|심근"
)
_LEFT = re.compile(
    r"\blv\b|\blvc|\bleft\b|blood|\bcavit|\bbp\b|\blvbp|\bpool\b|\blink|\bgauche\b|\bizquierd|\bsinistr|\besquerd"
    r"|\blewa\b|lumen|hohlraum|\bлев|左|좌심"
)


def structureOf(name: str, terminology: str = "") -> str | None:
    """What a segment shows.

    Args:
        name: of the segment, such as "LV myocardium", "myo", "RV", "LV_bp", "LV epi" or "heart_ventricle_left".
        terminology: Slicer's terminology entry of the segment; its codes take precedence over the name, except for
            the outer and inner contour of a wall, for which both have the same code.

    Returns:
        "myocardium", "cavity", "rightVentricle", "epicardium", "endocardium" (the regions inside these surfaces of the
        left ventricle), or None if it is unknown or not used.
    """
    named = _byWords(name)
    if named in ("epicardium", "endocardium"):
        return named
    for structure, codes in _CODES.items():
        if any(f"SCT^{code}^" in terminology for code in codes):
            return structure
    return named or _byWords(_meaning(terminology))


def _byWords(name: str) -> str | None:
    words = _plain(name)
    if not words or _NOT_USED.search(words):
        return None
    isRight = bool(_RIGHT.search(words))
    if _EPICARDIUM.search(words):
        return None if isRight else "epicardium"
    if _ENDOCARDIUM.search(words):
        return "rightVentricle" if isRight else "endocardium"
    if _WALL.search(words):
        return None if isRight else "myocardium"
    if isRight:
        return "rightVentricle"
    return "cavity" if _LEFT.search(words) else None


def _plain(name: str) -> str:
    """Lower-case words without accents, separated by single spaces; words in CamelCase are separated too."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    decomposed = unicodedata.normalize("NFKD", split)
    letters = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", letters).lower()).split())


def _meaning(terminology: str) -> str:
    """Meaning of the type and its modifier in a terminology entry: list~category~type~modifier~…"""
    parts = terminology.split("~")
    return " ".join(part.split("^")[-1] for part in parts[2:4])
