"""The contour conventions of a prediction: of the slices of a case, and notes on how they were used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from LaMoDCore.heart.case import Case
from LaMoDCore.heart.contour_convention import (
    CONVENTION_WORDS,
    ConventionSource,
    ConventionUsed,
    layer_text,
    one_per_slice,
    parse_conventions,
)
from LaMoDCore.heart.notes import Note, Severity, note
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.networks.lamod import LaMoDModel

_NOT_USED: dict[ConventionSource, str] = {
    "user": "the given one",
    "case": "that of the case",
    "engine": "that of the contour engine",
}
_AS_STATED: dict[ConventionSource, str] = {
    "user": "as given",
    "case": "as stated by the case",
    "engine": "as stated by the contour engine",
}


def with_conventions(case: Case, conventions: str | Sequence[str] | None) -> Case:
    """The case with a given convention for all slices or one for each; unchanged if None.

    Raises:
        LaMoDInputError: a convention does not exist, or there are neither one nor as many as slices.
    """
    parsed = parse_conventions(conventions)
    if parsed is None:
        return case
    given = one_per_slice(parsed, len(case.slices))
    slices = [
        replace(slice_, contour_convention=each, convention_source="user")
        for slice_, each in zip(case.slices, given, strict=True)
    ]
    return replace(case, slices=tuple(slices))


def convention_notes(case: Case, conventions: Sequence[ConventionUsed], model: LoadedModel) -> list[Note]:
    """Note a given convention that was not used, and slices whose contours contradict the given one.

    One that the user gave and that was not used is a warning, one that the case states is not. That of a contour engine
    needs no note.

    Args:
        case: the case.
        conventions: of each slice.
        model: the model.
    """
    notes = []
    for source in ("user", "case"):
        words = [CONVENTION_WORDS[each.given] for each in conventions if each.is_ignored and each.source == source]
        if words:
            notes.append(_not_used(source, " and ".join(dict.fromkeys(words)), model))
    for number, each in enumerate(conventions, start=1):
        if each.contradicted and each.layer is not None:
            given = f"{CONVENTION_WORDS[each.given]} {_AS_STATED[each.source]}"
            text = (
                f"The contours seem to follow the {CONVENTION_WORDS[each.layer.convention]} "
                f"({layer_text(each.layer)}), not the {given}."
            )
            notes.append(note("convention_contradicted", text, slice=number))
    return notes


def _not_used(source: ConventionSource, words: str, model: LoadedModel) -> Note:
    network = model.network
    if isinstance(network, LaMoDModel) and network.takes_convention:
        why = "Without the samples of the motion, the prediction does not use the contour convention"
        remedy = "Predict with diffusion in the space of motion."
    else:
        why, remedy = f"The model {model.name} has no input for the contour convention", None
    text = f"{why}; {_NOT_USED[source]} ({words}) was not used."
    severity: Severity = "warning" if source == "user" else "info"
    return note("convention_not_used", text, remedy=remedy, severity=severity)
