"""What the page says in words: definitions, doubts, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from LaMoDCore import __version__
from LaMoDCore.case import StrainResult

RESEARCH_USE = "Research use only; not a medical device."


def definition_lines(result: StrainResult) -> list[str]:
    """How every number of the page is defined."""
    ed = result.case.reference_frame
    lines = [
        f"Strain: Green–Lagrange E = ½(FᵀF − I), Lagrangian, reference end-diastole (frame {ed}); Ecc and "
        "Err along the circumference and the radius about the centroid of the epicardial region; means over "
        "the pixels of the reference myocardium. Blue shortens, red stretches.",
        "Seen from the apex. Segments counter-clockwise from the anterior RV insertion. GCS and GRS are "
        "the means over the myocardium of the slices given.",
    ]
    samples = sample_count(result)
    if samples > 1:
        lines.append(
            f"Bands: ± 1 SD over {samples} samples of the model's posterior; not its error against a measurement."
        )
    return lines


def doubt_lines(result: StrainResult) -> list[str]:
    """Notes of the case, then whatever the summary flags, each once."""
    lines = list(result.case.notes)
    for key in ("quality", "quality_flags", "flags", "warnings", "notes"):
        lines += _sentences(result.summary.get(key))
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def provenance_line(result: StrainResult) -> str:
    """Model, hash, sampler, seed and versions, as far as they are recorded."""
    provenance = _provenance(result)
    model = provenance.get("model")
    details = model if isinstance(model, Mapping) else provenance
    name = details.get("name") if isinstance(model, Mapping) else model
    digest = next((str(details[k]) for k in ("sha256", "hash", "model_sha256", "model_hash") if details.get(k)), "")
    parts = [f"LaMoD {provenance.get('lamod_version') or __version__}"]
    if name:
        parts.append(f"model {name}" + (f" ({digest[:8]})" if digest else ""))
    for key, text in (
        ("sampler", "{}"),
        ("steps", "{} steps"),
        ("samples", "{} samples"),
        ("seed", "seed {}"),
        ("device", "{}"),
    ):
        if provenance.get(key) not in (None, ""):
            parts.append(text.format(provenance[key]))
    return "  ·  ".join(parts)


def sample_count(result: StrainResult) -> int:
    """How many samples the result's mean and spread come from."""
    drawn = [s.samples_mm for s in result.motion.slices]
    return int(drawn[0].shape[0]) if drawn and drawn[0] is not None else int(_provenance(result).get("samples") or 1)


def _provenance(result: StrainResult) -> Mapping[str, Any]:
    found = result.summary.get("provenance")
    return found if isinstance(found, Mapping) else result.motion.provenance


def _sentences(entry: Any) -> Iterable[str]:
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, Mapping):
        text = entry.get("message") or entry.get("sentence") or entry.get("text")
        if isinstance(text, str):
            yield text
        else:
            for value in entry.values():
                if isinstance(value, list | tuple | Mapping):
                    yield from _sentences(value)
    elif isinstance(entry, list | tuple):
        for value in entry:
            yield from _sentences(value)
