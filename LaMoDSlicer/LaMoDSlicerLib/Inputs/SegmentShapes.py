"""The structures of masks by their shape, as LaMoDCore identifies the labels of files."""

import numpy as np

#: A segment of which more than this share lies in the myocardium is the region that a filled myocardium encloses.
_NESTED = 0.5


def structuresOf(masks: dict[str, list[np.ndarray]], name: str) -> dict[str, str]:
    """Identify the myocardium, the cavity and the right ventricle; {} if the shapes are ambiguous.

    Of segments that overlap, the smaller one covers the larger: the outer region of a pair of filled segments, inside
    the epicardium and inside the endocardium, thereby becomes a ring.

    Args:
        masks: bool [Z, H, W] of several frames, by segment or label.
        name: of the masks.
    """
    from LaMoDCore.io.files.labels import meaning_of_labels
    from LaMoDCore.runtime.errors import LaMoDInputError

    drawn = {choice: np.stack(frames) for choice, frames in masks.items() if any(frame.any() for frame in frames)}
    if not drawn:
        return {}
    ordered = sorted(drawn, key=lambda choice: -int(drawn[choice].sum()))
    labels = np.zeros(next(iter(drawn.values())).shape, np.int32)
    for number, choice in enumerate(ordered, start=1):
        labels[drawn[choice]] = number
    try:
        meaning, _note = meaning_of_labels([labels], name)
    except LaMoDInputError:
        return {}
    found = {"myocardium": meaning.myocardium, "cavity": meaning.cavity, "rightVentricle": meaning.right_ventricle}
    return {structure: ordered[number - 1] for structure, number in found.items() if number is not None}


def isNested(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Whether a region lies in another one: the cavity in a myocardium that was drawn filled, not as a ring."""
    return bool((inner & outer).sum() > _NESTED * max(int(inner.sum()), 1))
