"""A contour report as a table, as JSON, and as a picture of what was found."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.contours.check import ContourReport
from LaMoDCore.contours.findings import Fault, Finding, Light
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.ring.faults import frame_list

_SYMBOLS = {Light.GOOD: "·", Light.LOOK: "?", Light.MEND: "x"}
_COLOURS = {Light.GOOD: "#1b7f4d", Light.LOOK: "#b36b00", Light.MEND: "#b3202a"}
#: More frames than this on one picture are too small to be judged.
MAX_PICTURES = 48


def lights_text(report: ContourReport) -> str:
    """A line a slice with a symbol a frame, and what the symbols mean."""
    width = max(len(name) for name in report.slice_names)
    lines = [
        f"{name:<{width}}  {''.join(_SYMBOLS[light] for light in report.lights(k))}"
        for k, name in enumerate(report.slice_names)
    ]
    return "\n".join([*lines, f"{'':<{width}}  · good   ? look   x mend"])


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """A line a finding: slice, frames, how grave, what; what is said alike of several frames of a slice is one line."""
    alike: dict[tuple[int, Light, Fault, str], list[Finding]] = {}
    for f in findings:
        alike.setdefault((f.slice_index, f.light, f.fault, f.sentence), []).append(f)
    names = max((len(f.slice_name) for f in findings), default=0)
    frames = [frame_list(sorted(f.frame for f in group), most=None) for group in alike.values()]
    places = max(map(len, frames), default=0)
    return [
        f"{group[0].slice_name:<{names}}  {place:<{places}}  {light.value:<4}  {fault.value:<16}  {sentence}"
        for place, ((_, light, fault, sentence), group) in zip(frames, alike.items(), strict=True)
    ]


def as_dictionary(report: ContourReport) -> dict[str, Any]:
    """What `lamod check --json` prints; frames and slices counted from 0."""
    return {
        "slices": [
            {"name": name, "frames": report.frames[k], "lights": [light.value for light in report.lights(k)]}
            for k, name in enumerate(report.slice_names)
        ],
        "findings": [
            {
                "slice": f.slice_name,
                "slice_index": f.slice_index,
                "frame": f.frame,
                "fault": f.fault.value,
                "light": f.light.value,
                "sentence": f.sentence,
                "value": round(f.value, 4),
                "limit": round(f.limit, 4),
                "unit": f.unit,
            }
            for f in report.findings
        ],
    }


def write_findings(report: ContourReport, slices: Sequence[CineSlice], folder: Path) -> list[str]:
    """Write findings.json, findings.csv and, where there is anything to see, findings.png; the names written."""
    content = as_dictionary(report)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / "findings.json").write_text(text, encoding="utf-8", newline="\n")
    columns = ["slice", "slice_index", "frame", "fault", "light", "value", "limit", "unit", "sentence"]
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(content["findings"])
    (folder / "findings.csv").write_text(table.getvalue(), encoding="utf-8", newline="")
    names = ["findings.json", "findings.csv"]
    if report.findings:
        draw_findings(report, slices, folder / "findings.png")
        names.append("findings.png")
    return names


def draw_findings(report: ContourReport, slices: Sequence[CineSlice], path: Path) -> None:
    """Every flagged frame with its contour over the picture, beside the frame before it, and what was found."""
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
    note = f" (and {left_out} more frames)" if left_out else ""
    figure.suptitle(f"Frames to look at{note}; dashed: the frame before", fontsize=10)
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
    worst = Light.MEND if any(f.light is Light.MEND for f in findings) else Light.LOOK
    for region, style, colour in ((before, "dashed", "#8ab8ff"), (mask, "solid", "#ffd24a")):
        if region.any() and not region.all():
            axis.contour(region.astype(float), [0.5], colors=[colour], linewidths=0.9, linestyles=[style])
    words = ", ".join(dict.fromkeys(f.fault.value for f in findings))
    axis.set_title(
        f"{slice_.name} frame {frame}: {worst.value}\n{words}", fontsize=6.5, color=_COLOURS[worst], wrap=True
    )
