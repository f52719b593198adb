"""The contour convention of a result in words."""

from __future__ import annotations

from collections.abc import Sequence

from LaMoDCore.heart.contour_convention import (
    CONVENTION_WORDS,
    ContourConvention,
    ConventionSource,
    ConventionUsed,
    LeftOutLayer,
    layer_text,
)
from LaMoDCore.report.numbering import slices_text

_SOURCE_WORDS: dict[ConventionSource, str] = {
    "user": "given",
    "case": "stated by the case",
    "engine": "stated by the contour engine",
}


def convention_line(conventions: Sequence[ConventionUsed]) -> str:
    """`convention_text` as a sentence."""
    text = convention_text(conventions)
    return f"Contours: {text}." if text else ""


def convention_text(conventions: Sequence[ConventionUsed]) -> str:
    """The contour convention that was given or inferred, of all slices or of each.

    Returns:
        A phrase; "" if it is not known, or if the model does not use it and nobody gave one.
    """
    if all(each.given == "auto" and each.used is None for each in conventions):
        return ""
    slices_of: dict[tuple[ContourConvention, ConventionSource, ContourConvention | None], list[int]] = {}
    for number, each in enumerate(conventions, start=1):
        source = "user" if each.given == "auto" else each.source
        slices_of.setdefault((each.given, source, each.used), []).append(number)
    parts = []
    for numbers in slices_of.values():
        text = _text_of_alike([conventions[number - 1] for number in numbers])
        parts.append(text if len(slices_of) == 1 else f"{slices_text(numbers)} {text}")
    return "; ".join(parts)


def _text_of_alike(alike: Sequence[ConventionUsed]) -> str:
    """The convention of slices of which the same one was given and used."""
    first = alike[0]
    if first.used is None:
        unused = f"{CONVENTION_WORDS[first.given]} ({_SOURCE_WORDS[first.source]}, not used)"
        return "convention not inferred" if first.given == "auto" else unused
    if first.given != "auto":
        return f"{CONVENTION_WORDS[first.used]} ({_SOURCE_WORDS[first.source]})"
    left_out = _left_out([each.layer for each in alike if each.layer is not None])
    if first.used == "auto":
        return "convention not inferred" + (f" ({left_out})" if left_out else "")
    return f"{CONVENTION_WORDS[first.used]} (inferred, {left_out})"


def _left_out(layers: Sequence[LeftOutLayer]) -> str:
    """The layer that the contours of one slice leave out, or its range over several slices."""
    if len(layers) <= 1:
        return layer_text(layers[0]) if layers else ""
    least, most = (f"{pick(layer.thickness_mm for layer in layers):.1f}" for pick in (min, max))
    return f"{least} mm left out" if least == most else f"{least}–{most} mm left out"
