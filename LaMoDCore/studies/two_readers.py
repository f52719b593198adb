"""Two readers' contours of one heart: how far they lie apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, epicardial_region
from LaMoDCore.runtime.errors import LaMoDInputError

CONTOURS = ("endo", "epi")


@dataclass(frozen=True, eq=False)
class SliceAgreement:
    """One slice; T frames.

    Attributes:
        slice_name: the slice.
        dice: [T] of the myocardium; NaN where either reader drew nothing.
        mean_distance_mm: by contour, [T]: mean distance of each reader's contour from the other's, both ways.
        hausdorff_mm: by contour, [T]: the largest of these.
    """

    slice_name: str
    dice: Array
    mean_distance_mm: dict[str, Array]
    hausdorff_mm: dict[str, Array]

    def as_dictionary(self) -> dict[str, Any]:
        """For JSON; None where a reader drew nothing."""
        measures = {"dice": self.dice}
        for contour in CONTOURS:
            measures[f"{contour}_mean_mm"] = self.mean_distance_mm[contour]
            measures[f"{contour}_hausdorff_mm"] = self.hausdorff_mm[contour]
        numbers = {n: [round(float(v), 4) if np.isfinite(v) else None for v in row] for n, row in measures.items()}
        return {"slice": self.slice_name, **numbers}


def compare_contours(first: CineSlice, second: CineSlice) -> SliceAgreement:
    """Compare two readers' contours of a slice on the same pixels, frame by frame.

    Distances are between the outlines' pixels, so a contour that two readers share has distance 0.

    Raises:
        LaMoDInputError: the slices have other pixels or frames.
    """
    if first.myocardium.shape != second.myocardium.shape:
        raise LaMoDInputError(
            second.name,
            f"it has {second.frames} frames of {second.grid.shape} pixels and the first reader's {first.frames} of "
            f"{first.grid.shape}",
            "compare contours drawn on the same series",
        )
    dice, mean, worst = [], {c: [] for c in CONTOURS}, {c: [] for c in CONTOURS}  # type: ignore[var-annotated]
    for one, other in zip(first.myocardium, second.myocardium, strict=True):
        total = int(one.sum() + other.sum())
        both = one.any() and other.any()
        dice.append(2 * int((one & other).sum()) / total if both else np.nan)
        for contour in CONTOURS:
            distances = _distances_mm(_inside(one, contour), _inside(other, contour), first.grid.spacing_mm)
            mean[contour].append(float(np.mean(distances)) if distances.size else np.nan)
            worst[contour].append(float(np.max(distances)) if distances.size else np.nan)
    return SliceAgreement(
        first.name,
        np.array(dice),
        {c: np.array(v) for c, v in mean.items()},
        {c: np.array(v) for c, v in worst.items()},
    )


def _inside(mask: Array, contour: str) -> Array:
    return cavity(mask) if contour == "endo" else epicardial_region(mask)


def _distances_mm(one: Array, other: Array, spacing_mm: tuple[float, float]) -> Array:
    """Distances of the outline pixels of each region from the other's outline, mm; none where a region is empty."""
    if not one.any() or not other.any():
        return np.empty(0)
    outlines = [region & ~ndimage.binary_erosion(region) for region in (one, other)]
    sampling = (spacing_mm[1], spacing_mm[0])
    away = [ndimage.distance_transform_edt(~outline, sampling=sampling) for outline in outlines]
    return np.concatenate([away[1][outlines[0]], away[0][outlines[1]]])


def agreement_csv(slices: Sequence[SliceAgreement]) -> str:
    """A row a slice and frame, as text."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    measures = [f"{c}_{m}_mm" for c in CONTOURS for m in ("mean", "hausdorff")]
    writer.writerow(["slice", "frame", "dice", *measures])
    for part in slices:
        for t, overlap in enumerate(part.dice):
            cells = [f"{d[c][t]:.3f}" for c in CONTOURS for d in (part.mean_distance_mm, part.hausdorff_mm)]
            writer.writerow([part.slice_name, t, f"{overlap:.4f}", *cells])
    return table.getvalue()


def agreement_text(slices: Sequence[SliceAgreement]) -> str:
    """A line a slice: means over the frames."""
    lines = [f"{'slice':16}{'Dice':>7}{'endo mean':>11}{'endo max':>10}{'epi mean':>10}{'epi max':>9}  (mm)"]
    for part in slices:
        values = [np.nanmean(part.dice)]
        for contour in CONTOURS:
            values += [np.nanmean(part.mean_distance_mm[contour]), np.nanmax(part.hausdorff_mm[contour])]
        lines.append(
            f"{part.slice_name[:15]:16}{values[0]:7.3f}{values[1]:11.2f}{values[2]:10.2f}{values[3]:10.2f}{values[4]:9.2f}"
        )
    return "\n".join(lines)


def draw_agreement(first: CineSlice, second: CineSlice, agreement: SliceAgreement, path: Path) -> None:
    """The frame where the readers agree least, with both contours, and Dice and distances over the cycle."""
    from matplotlib.figure import Figure

    worst = int(np.nanargmin(agreement.dice))
    figure = Figure(figsize=(9, 4), dpi=110)
    left, right = figure.subplots(1, 2)
    drawn = np.asarray(np.any(first.myocardium | second.myocardium, axis=0))
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    window = (
        slice(max(0, int(rows[0]) - 8), int(rows[-1]) + 9),
        slice(max(0, int(columns[0]) - 8), int(columns[-1]) + 9),
    )
    picture = first.cine[worst] if first.cine is not None else np.zeros(first.grid.shape)
    left.imshow(picture[window], cmap="gray")
    for slice_, colour, style in ((first, "#ffd24a", "solid"), (second, "#66c2ff", "dashed")):
        left.contour(slice_.myocardium[worst][window].astype(float), [0.5], colors=[colour], linestyles=[style])
    left.set_title(
        f"{first.name}, frame {worst}: Dice {agreement.dice[worst]:.2f}\nsolid: first, dashed: second reader"
    )
    left.axis("off")
    frames = np.arange(agreement.dice.size)
    for contour, style in zip(CONTOURS, ("solid", "dashed"), strict=True):
        right.plot(
            frames, agreement.mean_distance_mm[contour], color="#c0392b", linestyle=style, label=f"{contour} mean"
        )
        right.plot(frames, agreement.hausdorff_mm[contour], color="#7f8c8d", linestyle=style, label=f"{contour} max")
    right.set_xlabel("frame")
    right.set_ylabel("distance [mm]")
    right.set_ylim(bottom=0)
    right.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
