"""What the page says in words: definitions, doubts, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from LaMoDCore import __version__
from LaMoDCore.heart.case import StrainResult, is_routine, left_out_in
from LaMoDCore.heart.numbered_names import by_number, numbers_of

RESEARCH_USE = "Research use only; not a medical device."


def definition_lines(result: StrainResult) -> list[str]:
    """How every number of the page is defined."""
    ed = result.case.reference_frame
    lines = [
        f"Strain: Green–Lagrange E = ½(FᵀF − I), Lagrangian, reference end-diastole (frame {ed}); Ecc and Err along "
        "the circumference and the radius about the centroid of the epicardial region; means over the pixels of the "
        "reference myocardium. Blue shortens, red stretches.",
        "Seen from the apex. Segments counter-clockwise from the anterior RV insertion (diamond). GCS and GRS are the "
        "means over the whole wall of the slices given, weighted by area.",
    ]
    samples = sample_count(result)
    if samples > 1:
        lines.append(band_line(result, samples))
    return lines


def half_width_sd(result: StrainResult) -> float:
    """Half the width of the bands in standard deviations: of the calibrated interval, where there is one, else 1."""
    return float(result.summary.get("uncertainty", {}).get("half_width_sd", 1.0))


def band_line(result: StrainResult, samples: int) -> str:
    """What the bands of the curves mean."""
    about = result.summary.get("uncertainty", {})
    if about.get("calibrated"):
        return (
            f"Bands: {about['confidence']:.0%} intervals from {samples} samples, calibrated on synthetic hearts; "
            "rotation is inferred."
        )
    return f"Bands: ± 1 SD over {samples} samples of the model's posterior; not its error against a measurement."


def doubt_lines(result: StrainResult) -> list[str]:
    """What says that the numbers may be wrong, then notes of the case, then the summary's other flags, then what
    was guessed as usual, each once.

    Slices and files are named by number: their names may be a person's. A page has no room for all, so that what
    matters most comes first.
    """
    quality = result.summary.get("quality", [])
    unlike = [part["unlike_training"] for part in result.summary.get("slices", []) if "unlike_training" in part]
    grave = [text for text in quality if any(flag["flagged"] and flag["sentence"] in text for flag in unlike)]
    routine = [text for text in result.case.notes if is_routine(text)]
    notes = [text for text in result.case.notes if not is_routine(text)]
    sentences = [*grave, *notes, *quality, *routine]
    return list(dict.fromkeys(_without_names(result, text).strip() for text in sentences if text.strip()))


def warning_line(result: StrainResult) -> str:
    """For the head of a page: which slices are unlike the training data; "" where none is."""
    parts = result.summary.get("slices", [])
    flagged = [n for n, part in enumerate(parts, 1) if part.get("unlike_training", {}).get("flagged")]
    if not flagged:
        return ""
    if len(parts) == 1:
        return "Unlike the training data: see “To be looked at”."
    listed = ", ".join(map(str, flagged))
    named = f"Slice {listed} is" if len(flagged) == 1 else f"Slices {listed} are"
    return f"{named} unlike the training data: see “To be looked at”."


def slices_left_out(result: StrainResult) -> int:
    """How many drawn slices could not be used; each has a note with its reason, for which a page may lack room."""
    return left_out_in(result.case.notes)


def provenance_line(result: StrainResult) -> str:
    """Model, hash, sampler, seed and versions, as far as they are recorded."""
    provenance = _provenance(result)
    parts = [f"LaMoD {provenance.get('lamod_version') or __version__}"]
    if provenance.get("model"):
        digest = str(provenance.get("model_sha256") or "")[:8]
        parts.append(f"model {provenance['model']}" + (f" ({digest})" if digest else ""))
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
    """How many samples the result's mean and spread come from."""
    drawn = [s.samples_mm for s in result.motion.slices]
    return int(drawn[0].shape[0]) if drawn and drawn[0] is not None else 1


def _without_names(result: StrainResult, text: str) -> str:
    known = numbers_of([s.name for s in result.case.slices], [record.name for record in result.case.inputs])
    return by_number(text, known)


def _provenance(result: StrainResult) -> Mapping[str, Any]:
    found = result.summary.get("provenance")
    return found if isinstance(found, Mapping) else result.motion.provenance
