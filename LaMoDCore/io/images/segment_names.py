"""The structures that the segments of a segmentation show, by their names (DICOM SEG, Slicer's .seg.nrrd)."""

from __future__ import annotations

from collections.abc import Mapping

from LaMoDCore.io.images.frame_stack import LABEL_KEY


def structure_of(name: str) -> str | None:
    """``myo``, ``lv`` or ``rv`` in the notation of `--labels`; None if the name is neither of these."""
    name = name.lower()
    words = name.replace("_", " ").replace("-", " ").split()
    right = "right ventric" in name or "rv" in words
    if "myo" in words or "myocard" in name or "wall" in words:
        return None if right else "myo"
    if right:
        return "rv"
    return "lv" if "left ventric" in name or "lv" in words or "blood" in name or "cavity" in name else None


def label_meaning(names: Mapping[int, str]) -> dict[str, str]:
    """Metadata with the meaning of labels; empty unless the names identify one myocardium and no structure twice.

    Args:
        names: the name of each label.
    """
    found = {number: structure_of(name) for number, name in names.items()}
    structures = [s for s in found.values() if s is not None]
    if "myo" not in structures or len(set(structures)) != len(structures):
        return {}
    return {LABEL_KEY: ",".join(f"{s}={number}" for number, s in found.items() if s is not None)}
