"""What difference two readers' contours make in strain."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.heart.case import Case
from LaMoDCore.heart.geometry import Array
from LaMoDCore.models.folder import DEFAULT_MODEL, LoadedModel, load_model
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress


@dataclass(frozen=True, eq=False)
class StrainDifference:
    """One slice; S segments.

    Attributes:
        slice_name: the slice.
        segment_names: one a segment.
        first, second: [S] peak Ecc from each reader's contours.
    """

    slice_name: str
    segment_names: tuple[str, ...]
    first: Array
    second: Array

    @property
    def difference(self) -> Array:
        """[S]: second less first."""
        return np.asarray(self.second - self.first)

    def as_dictionary(self) -> dict[str, Any]:
        """For JSON; fractions."""
        return {
            "slice": self.slice_name,
            "segments": list(self.segment_names),
            "peak_ecc_first": [round(float(v), 4) for v in self.first],
            "peak_ecc_second": [round(float(v), 4) for v in self.second],
        }


def compare_strain(
    first: Case,
    second: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    progress: Progress = SILENT,
    **options: Any,
) -> tuple[StrainDifference, ...]:
    """Predict both readers' contours alike and compare the segments' peak Ecc.

    Segments of both are counted from the first reader's insertion points, and motion of both refers to the first
    reader's end-diastole, so that only the contours differ.

    Args:
        first, second: the same slices.
        model: as `predict_strain` takes it.
        progress: told before each prediction.
        options: further options of `predict_strain`.

    Raises:
        LaMoDInputError: other slices, segments or frames.
    """
    from LaMoDCore.prediction.predict import predict_strain
    from LaMoDCore.runtime.devices import resolve_device

    if len(first.slices) != len(second.slices) or first.frames != second.frames:
        raise LaMoDInputError(
            "the second reader",
            f"{len(second.slices)} slices of {second.frames} frames against {len(first.slices)} of {first.frames}",
            "compare contours of the same slices",
        )
    device = options.pop("device", "auto")
    loaded = model if isinstance(model, LoadedModel) else load_model(model, resolve_device(device)[0] or "cpu")
    alike = [
        replace(b, rv_insertion_lps=a.rv_insertion_lps, level=a.level, level_known=a.level_known)
        for a, b in zip(first.slices, second.slices, strict=True)
    ]
    both = replace(
        second, slices=tuple(alike), rv_insertion_lps=first.rv_insertion_lps, reference_frame=first.reference_frame
    )
    results = []
    for number, case in enumerate((first, both)):
        progress.update("readers", number / 2, f"predicting from reader {number + 1}'s contours")
        results.append(predict_strain(case, loaded, **options))
    progress.update("done", 1.0, "both readers predicted")
    return tuple(
        StrainDifference(
            slice_.name,
            a.segment_names,
            np.nanmin(a.segment_curves["ecc"], axis=1),
            np.nanmin(b.segment_curves["ecc"], axis=1),
        )
        for slice_, a, b in zip(first.slices, results[0].slices, results[1].slices, strict=True)
    )


def difference_text(slices: Sequence[StrainDifference]) -> str:
    """A line a segment: peak Ecc of both readers and the difference."""
    lines = [f"{'peak Ecc':26}{'first':>9}{'second':>9}{'difference':>12}"]
    for part in slices:
        for s, name in enumerate(part.segment_names):
            numbers = f"{part.first[s]:+9.3f}{part.second[s]:+9.3f}{part.difference[s]:+12.3f}"
            lines.append(f"{part.slice_name[:10]:<11}{name:<15}{numbers}")
    return "\n".join(lines)


def difference_csv(slices: Sequence[StrainDifference]) -> str:
    """A row a segment."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["slice", "segment", "peak_ecc_first", "peak_ecc_second", "difference"])
    for part in slices:
        for name, a, b in zip(part.segment_names, part.first, part.second, strict=True):
            writer.writerow([part.slice_name, name, f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}"])
    return table.getvalue()


def draw_difference(slices: Sequence[StrainDifference], path: Path) -> None:
    """Both readers' peak Ecc of each segment, joined by a line; byte-stable."""
    from matplotlib.figure import Figure

    from LaMoDCore.report.style import page_style

    with page_style():
        figure = Figure(figsize=(6.4, 0.6 + 2.0 * len(slices)), dpi=110, facecolor="white")
        axes = figure.subplots(len(slices), 1, squeeze=False)[:, 0]
        for ax, part in zip(axes, slices, strict=True):
            places = np.arange(len(part.segment_names))
            ax.vlines(places, 100 * part.first, 100 * part.second, color="#6b7480", linewidth=1.2)
            ax.scatter(places, 100 * part.first, s=30, color="#c98a00", label="first reader", zorder=3)
            ax.scatter(places, 100 * part.second, s=30, color="#2a6fb0", marker="D", label="second reader", zorder=3)
            ax.set_xticks(places, part.segment_names, fontsize=6.5)
            ax.set_ylabel("peak Ecc [%]")
            worst = 100 * float(np.abs(part.difference).max())
            ax.set_title(f"{part.slice_name}: they differ by up to {worst:.1f} %-points", fontsize=8)
            ax.margins(x=0.08, y=0.2)
        axes[0].legend(fontsize=7, frameon=False, loc="best")
        figure.tight_layout()
        figure.savefig(path, metadata={"Software": None})
