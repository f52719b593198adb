"""A contour report as text, as JSON, as a table, and as a picture of the flagged frames."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.contours.check import ContourReport
from LaMoDCore.contours.findings import Finding, Light, light_of
from LaMoDCore.contours.review import NOT_DRAWN, SliceReview, review_of
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.notes import grouped, number_list
from LaMoDCore.runtime.plain_text import table_row

_SYMBOLS = {Light.GOOD: "·", Light.LOOK: "?", Light.REPAIR: "x"}
_STATUS_SYMBOLS = {"automatic": "a", "unsure": "u", "reviewed": "r", "edited": "e", NOT_DRAWN: "-"}
_COLOURS = {Light.GOOD: "#1b7f4d", Light.LOOK: "#b36b00", Light.REPAIR: "#b3202a"}
_COLUMNS = ("slice", "source", "frame", "fault", "severity", "value", "limit", "unit", "text", "remedy")
#: In place of the light of a frame that was not drawn, which is no fault.
_UNDRAWN = "not drawn"
#: With more frames, each would be too small to assess.
MAX_PICTURES = 48


def lights_text(report: ContourReport) -> str:
    """One line per slice with one symbol per frame, and a legend."""
    names = _slice_labels(report)
    width = max(map(len, names))
    lines = []
    for k, name in enumerate(names):
        reason = report.unchecked[k] if report.unchecked else ""
        missing = report.not_drawn[k] if report.not_drawn else ()
        strip = "".join("-" if t in missing else _SYMBOLS[light] for t, light in enumerate(report.lights(k)))
        lines.append(f"{name:<{width}}  {f'not checked, for volumes only: {reason}' if reason else strip}")
    symbols = "· good   ? look   x repair" + ("   - not drawn" if any(report.not_drawn) else "")
    return "\n".join([*lines, f"{'':<{width}}  {symbols}   (frames count from 0)"])


def status_text(report: ContourReport, reviews: Sequence[SliceReview | None]) -> str:
    """One line per slice with automatic contours, one symbol per frame, a legend, and the unsure frames; "" without."""
    labels = _slice_labels(report)
    found = [(name, review) for name, review in zip(labels, reviews, strict=True) if review is not None]
    if not found:
        return ""
    width = max(map(len, labels))
    lines = [f"{name:<{width}}  {''.join(_STATUS_SYMBOLS[each] for each in review.status)}" for name, review in found]
    lines.append(f"{'':<{width}}  a automatic   u unsure, not reviewed   r reviewed   e edited   - not drawn")
    for name, review in found:
        if review.unsure:
            values = [review.origin.confidence[frame] for frame in review.unsure]
            frames = f"frame{'s' if len(review.unsure) > 1 else ''} {number_list(review.unsure)}"
            between = "–".join(dict.fromkeys(f"{value:.2f}" for value in (min(values), max(values))))
            lines.append(f"{name:<{width}}  {frames}: unsure, confidence {between}; check the contours")
    return "\n".join([*lines, *_origin_lines([review for _, review in found])])


def _origin_lines(reviews: Sequence[SliceReview]) -> list[str]:
    """Engine, licence and review, one line per engine."""
    lines = []
    for engine in dict.fromkeys(review.origin.engine for review in reviews):
        own = [review.origin for review in reviews if review.origin.engine == engine]
        reviewed = sum(origin.is_reviewed for origin in own)
        state = "reviewed" if reviewed == len(own) else f"{reviewed} of {len(own)} slices reviewed"
        lines.append(f"Contours drawn automatically by {engine} ({own[0].licence}); {state}.")
    return lines


def finding_lines(report: ContourReport) -> list[str]:
    """One line per finding, the most severe first: slices, frames, light, fault, text; equal findings share a line."""
    names = _slice_labels(report)
    of_code = {finding.fault.code: finding.fault for finding in report.findings}
    rows = [
        (
            ", ".join(names[number - 1] for number in group.slices),
            f"frame{'s' if len(group.frames) > 1 else ''} {number_list(group.frames)}",
            (Light.REPAIR if group.note.severity == "error" else Light.LOOK).value,
            of_code[group.note.code].value,
            group.note.text,
        )
        for group in grouped(finding.note for finding in report.findings)
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return [
        f"{where:<{widths[0]}}  {frames:<{widths[1]}}  {light:<6}  {fault:<17}  {text}"
        for where, frames, light, fault, text in rows
    ]


def _slice_labels(report: ContourReport) -> list[str]:
    """The slices' names; those that occur repeatedly are followed by the slice's number."""
    count = Counter(report.slice_names)
    return [name if count[name] == 1 else f"{name} ({k})" for k, name in enumerate(report.slice_names, start=1)]


def as_dictionary(report: ContourReport, reviews: Sequence[SliceReview | None]) -> dict[str, Any]:
    """The report for JSON: lights of each slice, origin, status and confidence of automatic contours (null if a person
    drew them), and findings whose slices count from 1 and frames from 0.
    """
    return {
        "slices": [
            {
                "name": name,
                "frames": report.frames[k],
                "lights": [
                    _UNDRAWN if report.not_drawn and t in report.not_drawn[k] else light.value
                    for t, light in enumerate(report.lights(k))
                ],
                "automatic_contours": None if review is None else review.to_dict(),
            }
            for k, (name, review) in enumerate(zip(report.slice_names, reviews, strict=True))
        ],
        "findings": [finding.to_dict() for finding in report.findings],
    }


def write_findings(report: ContourReport, slices: Sequence[CineSlice], folder: Path) -> list[str]:
    """Write findings.json, findings.csv and, if there are findings, findings.png; returns the names written."""
    content = as_dictionary(report, review_of(slices))
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "findings.json").write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    table = io.StringIO()
    writer = csv.DictWriter(table, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(table_row, content["findings"]))
    (folder / "findings.csv").write_text(table.getvalue(), encoding="utf-8", newline="")
    names = ["findings.json", "findings.csv"]
    if report.findings:
        draw_findings(report, slices, folder / "findings.png")
        names.append("findings.png")
    return names


def draw_findings(report: ContourReport, slices: Sequence[CineSlice], path: Path) -> None:
    """Draw every flagged frame with its contour, the contour of the frame before it, and the faults found."""
    from matplotlib.figure import Figure

    flagged = sorted({(f.slice_index, f.frame) for f in report.findings})
    left_out = max(0, len(flagged) - MAX_PICTURES)
    flagged = flagged[:MAX_PICTURES]
    columns = min(6, len(flagged))
    rows = -(-len(flagged) // columns)
    figure = Figure(figsize=(2.5 * columns, 3.0 * rows + 0.4), dpi=110)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, (k, t) in zip(axes, flagged, strict=False):
        _draw_frame(axis, slices[k], t, report.of(k, t))
    more = f" (and {left_out} more)" if left_out else ""
    figure.suptitle(f"Flagged frames{more}, counted from 1; dashed: the frame before", fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    figure.savefig(path, metadata={"Software": None})


def _draw_frame(axis: Any, slice_: CineSlice, frame: int, findings: Sequence[Finding]) -> None:
    drawn = np.asarray(np.any(slice_.myocardium, axis=0))
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    margin = 8
    window = (
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )
    mask = slice_.myocardium[frame][window]
    before = slice_.myocardium[frame - 1][window]
    backdrop = slice_.cine[frame][window] if slice_.cine is not None else np.where(mask, 0.55, 0.15)
    axis.imshow(backdrop, cmap="gray", interpolation="nearest", vmin=None if slice_.cine is not None else 0, vmax=None)
    worst = light_of(findings)
    for region, style, colour in ((before, "dashed", "#8ab8ff"), (mask, "solid", "#ffd24a")):
        if region.any() and not region.all():
            axis.contour(region.astype(float), [0.5], colors=[colour], linewidths=0.9, linestyles=[style])
    faults = ", ".join(dict.fromkeys(f.fault.value for f in findings))
    axis.set_title(
        f"{slice_.name} frame {frame + 1}: {worst.value}\n{faults}", fontsize=6.5, color=_COLOURS[worst], wrap=True
    )
