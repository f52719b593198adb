"""The contour conventions of a prediction: of the slices of a case, and notes on how they were used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from LaMoDCore.heart.case import Case
from LaMoDCore.heart.contour_convention import (
    CONVENTION_WORDS,
    ConventionUsed,
    layer_text,
    one_per_slice,
    parse_conventions,
)
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.lamod import LaMoDModel


def with_conventions(case: Case, conventions: str | Sequence[str] | None) -> Case:
    """The case with a given convention for all slices or one for each; unchanged if None.

    Raises:
        LaMoDInputError: a convention does not exist, or there are neither one nor as many as slices.
    """
    parsed = parse_conventions(conventions)
    if parsed is None:
        return case
    given = one_per_slice(parsed, len(case.slices))
    slices = [replace(slice_, contour_convention=each) for slice_, each in zip(case.slices, given, strict=True)]
    return replace(case, slices=tuple(slices))


def convention_notes(case: Case, conventions: Sequence[ConventionUsed], model: LoadedModel) -> list[Note]:
    """Note a given convention that was not used, and slices whose contours contradict the given one.

    The convention of a contour engine is not given by the user, so that a prediction without it needs no note.

    Args:
        case: the case.
        conventions: of each slice.
        model: the model.
    """
    ignored = [
        each.given
        for each, slice_ in zip(conventions, case.slices, strict=True)
        if each.is_ignored and (slice_.contour_origin is None or slice_.contour_origin.convention != each.given)
    ]
    notes = []
    if ignored:
        words = " and ".join(CONVENTION_WORDS[each] for each in dict.fromkeys(ignored))
        network = model.network
        if isinstance(network, LaMoDModel) and network.takes_convention:
            why = "Only samples of the motion use the contour convention"
            remedy = "Predict with diffusion in the space of motion."
        else:
            why, remedy = f"The model {model.name} has no input for the contour convention", None
        text = f"{why}; the given one ({words}) was not used."
        notes.append(note("convention_not_used", text, remedy=remedy))
    for number, each in enumerate(conventions, start=1):
        if each.contradicted and each.layer is not None:
            text = (
                f"The contours follow the {CONVENTION_WORDS[each.layer.convention]} ({layer_text(each.layer)}), not "
                f"the {CONVENTION_WORDS[each.given]} as given."
            )
            notes.append(note("convention_contradicted", text, slice=number))
    return notes
