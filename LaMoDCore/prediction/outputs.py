"""The parts of a result that `write_result` can write, and their choice."""

from __future__ import annotations

from collections.abc import Iterable

#: Part -> its files, in the order of a result.
OUTPUTS = {
    "strain": "strain.json, always written",
    "segments": "segments.csv, function.csv and thickness.csv",
    "motion": "motion.npz",
    "displacement": "the folder displacement",
    "spatial": "ecc.seq.nrrd and err.seq.nrrd",
    "report": "report.png and report.pdf",
    "contours": "contours.seq.nrrd, where contours were drawn automatically or carried",
    "html": "report.html, a page for browsers, and thumbnail.webp; they need the package bokeh",
}
#: Parts that are written unless others are chosen.
DEFAULT_OUTPUTS = tuple(name for name in OUTPUTS if name != "html")


def chosen_outputs(names: Iterable[str]) -> tuple[str, ...]:
    """Check the names of parts; returns them in the order of `OUTPUTS`, with strain.

    Raises:
        ValueError: a name is unknown; the message lists the known ones.
    """
    wanted = {"strain", *names}
    unknown = sorted(wanted - set(OUTPUTS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a part of a result; choose from {', '.join(OUTPUTS)}")
    return tuple(name for name in OUTPUTS if name in wanted)
