"""Texts of the report: definitions, notes, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from LaMoDCore import __version__
from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.notes import Note, NoteGroup, Severity, grouped
from LaMoDCore.report.convention import convention_line
from LaMoDCore.report.maps import MOST_NUMBERED, marked_insertions
from LaMoDCore.report.numbering import frames_text, slices_text
from LaMoDCore.report.numbers import clock_text

RESEARCH_USE = "Research use only; not a medical device."
#: Heading of the notes, which the warning at the head of the page refers to.
NOTES_HEADING = "Notes"
#: Definition of volumes and mass, in lines that fit under the numbers.
FUNCTION_METHOD = ("Slice summation of the", "blood pool as drawn.")
#: Names of models, contour engines and their licences come from files; longer ones are cut.
_LONGEST_NAME = 40
_LONGEST_LICENCE = 80


def definition_lines(result: StrainResult) -> list[str]:
    """Definitions of the numbers on the page, engine and licence of automatic contours, and the contour convention."""
    ed = result.case.reference_frame
    lines = [
        f"Strain: Green–Lagrange E = ½(FᵀF − I), Lagrangian from end-diastole (frame {ed + 1}; frames count from 1); "
        "−18 % is −20 % as engineering strain. Ecc and Err: along the circumference and the radius about the centroid "
        "of the epicardial region, means over the pixels of the reference wall. Blue shortens, red stretches.",
        f"Seen from the apex. {_segment_line(result)} GCS, GRS: area-weighted means over all slices.",
    ]
    if clock := clock_text(result):
        lines.append(f"Times and rates of the whole heart: in phase, on the clock of the median cycle, {clock}.")
    samples = sample_count(result)
    if samples > 1:
        lines.append(band_line(result, samples))
    if contours := _contours(result):
        lines.append(_contour_provenance(contours))
    if convention := convention_line(result.conventions):
        lines.append(convention)
    return lines


def _segment_line(result: StrainResult) -> str:
    """Where segments start and what their numbers mean, as far as the page shows it."""
    known = all(aha is not None for strain in result.slices for aha in strain.segment_aha)
    start = "the anterior RV insertion" if known else "the RV insertion"
    if any(point is not None for point in marked_insertions(result)):
        start += " (diamond)"
    elif result.case.rv_insertion_lps is None:
        start = f"the expected position of {start}"
    text = f"Segments counter-clockwise from {start}"
    if not known:
        return f"{text}, numbered; their walls are not known."
    return f"{text}; circled: AHA numbers." if len(result.slices) <= MOST_NUMBERED else f"{text}."


def half_width_sd(result: StrainResult) -> float:
    """Half the width of the bands in standard deviations: of the calibrated interval if there is one, otherwise 1."""
    return float(result.summary.get("uncertainty", {}).get("half_width_sd", 1.0))


def band_line(result: StrainResult, samples: int) -> str:
    """The meaning of the bands of the curves."""
    about = result.summary.get("uncertainty", {})
    if about.get("calibrated"):
        confidence = f"{100 * about['confidence']:.0f} %"
        text = f"Bands: {confidence} intervals from {samples} samples, calibrated on synthetic hearts; "
        return f"{text}rotation is inferred."
    return f"Bands: ± 1 SD over {samples} samples of the model's posterior; not its error against a measurement."


def note_lines(result: StrainResult) -> list[str]:
    """The notes on the input and the result, one line per group, the most severe first.

    Slices are named by number, because their names may be a person's. Notes on slices that are unlike the training data
    come first among the warnings, since the page may not have room for all notes.
    """
    return [text for _, text in note_entries(result)]


def note_entries(result: StrainResult) -> list[tuple[Severity, str]]:
    """The lines of `note_lines` with their severity."""
    notes = sorted(result.notes, key=lambda each: each.code != "unlike_training")
    return [(group.note.severity, line_of_group(group, len(result.slices))) for group in grouped(notes)]


def lines_of_notes(notes: Sequence[Note], slices: int) -> list[str]:
    """The notes of a case of `slices` slices, one line per group, the most severe first."""
    return [line_of_group(group, slices) for group in grouped(notes)]


def line_of_group(group: NoteGroup, slices: int) -> str:
    """One group of notes of a case of `slices` slices: where, what and what to do."""
    where = [f"{group.count} ×"] if group.count > 1 else []
    if group.slices and slices > 1:
        where.append(slices_text(group.slices))
    if group.frames:
        where.append(frames_text(group.frames))
    place = ", ".join(where)
    text = " ".join(part for part in (group.note.text, group.note.remedy) if part)
    return f"{place[0].upper()}{place[1:]}: {text}" if place else text


def warning_line(result: StrainResult) -> str:
    """For the head of a page: walls that are not known, or slices unlike the training data; "" without both."""
    see = f"see “{NOTES_HEADING}”."
    if any(each.code == "orientation_contradicted" for each in result.notes):
        return f"Walls are not named, the orientation is contradictory: {see}"
    flagged = sorted({each.slice for each in result.notes if each.code == "unlike_training" and each.slice})
    if not flagged:
        return ""
    if len(result.slices) == 1:
        return f"Unlike the training data: {see}"
    named = f"{slices_text(flagged).capitalize()} {'is' if len(flagged) == 1 else 'are'}"
    return f"{named} unlike the training data: {see}"


def contour_line(result: StrainResult) -> str:
    """For the head of a page: the engine that drew the contours and whether they were reviewed; "" if drawn by hand."""
    contours = _contours(result)
    if not contours:
        return ""
    drawn, total = contours.get("slices", len(result.slices)), len(result.slices)
    which = "Contours" if drawn == total else f"Contours of {drawn} of {total} slices"
    review = "reviewed" if is_reviewed(result) else "not reviewed"
    return f"{which} drawn automatically by {_cut(contours.get('engine'), _LONGEST_NAME)}, {review}."


def is_reviewed(result: StrainResult) -> bool:
    """Whether a person drew or accepted all contours."""
    contours = _contours(result)
    return not contours or contours.get("reviewed") is True


def slices_left_out(result: StrainResult) -> int:
    """Number of slices with contours that could not be used; a page may not have room for their notes."""
    return sum(each.code in ("slice_left_out", "slice_repeated") for each in result.notes)


def provenance_line(result: StrainResult) -> str:
    """Model, hash, sampler, seed and versions, as far as they are recorded."""
    provenance = _provenance(result)
    parts = [f"LaMoD {provenance.get('lamod_version') or __version__}"]
    if provenance.get("model"):
        digest = str(provenance.get("model_sha256") or "")[:8]
        parts.append(f"model {_cut(provenance['model'], _LONGEST_NAME)}" + (f" ({digest})" if digest else ""))
    wanted = {"seed": "seed {}", "device": "{}"}
    if provenance.get("diffusion") is False:
        parts.append("without diffusion")
    else:
        count = "{} sample" if provenance.get("samples") == 1 else "{} samples"
        wanted = {"sampler": "{}", "steps": "{} steps", "samples": count, **wanted}
    for key, text in wanted.items():
        if provenance.get(key) not in (None, ""):
            parts.append(text.format(provenance[key]))
    return "  ·  ".join(parts)


def sample_count(result: StrainResult) -> int:
    """Number of samples from which the mean and the spread of the result were computed."""
    drawn = [s.samples_mm for s in result.motion.slices]
    if drawn and drawn[0] is not None:
        return int(drawn[0].shape[0])
    # a result that was read back has its spread, but not its samples
    return int(_provenance(result).get("samples") or 1) if result.slices[0].segment_curves_std else 1


def _contour_provenance(contours: Mapping[str, Any]) -> str:
    digest = str(contours.get("engine_sha256") or "")[:8]
    name = _cut(contours.get("engine"), _LONGEST_NAME) + (f" ({digest})" if digest else "")
    return f"Contours: {name}; licence: {_cut(contours.get('licence'), _LONGEST_LICENCE)}."


def _contours(result: StrainResult) -> Mapping[str, Any]:
    """Engine, hash, licence and review of automatic contours; empty if a person drew them."""
    found = _provenance(result).get("contours")
    return found if isinstance(found, Mapping) else {}


def _cut(text: Any, longest: int) -> str:
    known = "" if text is None else str(text)
    return known if len(known) <= longest else known[: longest - 1] + "…"


def _provenance(result: StrainResult) -> Mapping[str, Any]:
    found = result.summary.get("provenance")
    return found if isinstance(found, Mapping) else result.motion.provenance
