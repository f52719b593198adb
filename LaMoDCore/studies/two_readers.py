"""Compare the contours of two readers, and the strain predicted from them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import Case, CineSlice
from LaMoDCore.heart.contour_convention import CONVENTION_WORDS, ConventionUsed
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import cavity, epicardial_region
from LaMoDCore.models.default_model import DEFAULT_MODEL
from LaMoDCore.models.folder import LoadedModel, load_model
from LaMoDCore.report.convention import convention_text
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import table_cell
from LaMoDCore.runtime.progress import SILENT, Progress

CONTOURS = ("endo", "epi")


@dataclass(frozen=True, eq=False)
class SliceAgreement:
    """Agreement of two readers on one slice with T frames; NaN where a reader drew nothing.

    Attributes:
        slice_name: name of the slice.
        dice: [T], Dice of the myocardium.
        mean_distance_mm: by contour, [T]: mean distance between the readers' contours, in both directions.
        hausdorff_mm: by contour, [T]: largest of these distances.
    """

    slice_name: str
    dice: Array
    mean_distance_mm: dict[str, Array]
    hausdorff_mm: dict[str, Array]

    def as_dictionary(self) -> dict[str, Any]:
        """The numbers as JSON values; None where a reader drew nothing."""
        measures = {"dice": self.dice}
        for contour in CONTOURS:
            measures[f"{contour}_mean_mm"] = self.mean_distance_mm[contour]
            measures[f"{contour}_hausdorff_mm"] = self.hausdorff_mm[contour]
        numbers = {n: [round(float(v), 4) if np.isfinite(v) else None for v in row] for n, row in measures.items()}
        return {"slice": self.slice_name, **numbers}


def compare_contours(first: CineSlice, second: CineSlice) -> SliceAgreement:
    """Compare two readers' contours of a slice frame by frame.

    Distances are measured between the pixels of the outlines, so a contour that both readers share has distance 0.

    Raises:
        LaMoDInputError: the slices differ in pixels or frames.
    """
    if first.myocardium.shape != second.myocardium.shape:
        raise LaMoDInputError(
            second.name,
            f"it has {second.frames} frames of {second.grid.shape} pixels, but the first reader's slice has "
            f"{first.frames} frames of {first.grid.shape}",
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
    """Distances of each region's outline pixels from the other outline, mm; empty if a region is empty."""
    if not one.any() or not other.any():
        return np.empty(0)
    outlines = [region & ~ndimage.binary_erosion(region) for region in (one, other)]
    sampling = (spacing_mm[1], spacing_mm[0])
    away = [ndimage.distance_transform_edt(~outline, sampling=sampling) for outline in outlines]
    return np.concatenate([away[1][outlines[0]], away[0][outlines[1]]])


def agreement_csv(slices: Sequence[SliceAgreement]) -> str:
    """Format one row per slice and frame."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    measures = [f"{c}_{m}_mm" for c in CONTOURS for m in ("mean", "hausdorff")]
    writer.writerow(["slice", "frame", "dice", *measures])
    for part in slices:
        for t, overlap in enumerate(part.dice):
            cells = [f"{d[c][t]:.3f}" for c in CONTOURS for d in (part.mean_distance_mm, part.hausdorff_mm)]
            writer.writerow([table_cell(part.slice_name), t, f"{overlap:.4f}", *cells])
    return table.getvalue()


def agreement_text(slices: Sequence[SliceAgreement]) -> str:
    """Format one line per slice for the terminal: means over the frames, and the largest distances."""
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
    """Draw the frame with the lowest agreement, with both contours, and the distances over the cycle."""
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
        f"{first.name}, frame {worst + 1}: Dice {agreement.dice[worst]:.2f}\nsolid: first, dashed: second reader"
    )
    left.axis("off")
    frames = np.arange(1, agreement.dice.size + 1)
    for contour, style in zip(CONTOURS, ("solid", "dashed"), strict=True):
        right.plot(
            frames, agreement.mean_distance_mm[contour], color="#c0392b", linestyle=style, label=f"{contour} mean"
        )
        right.plot(frames, agreement.hausdorff_mm[contour], color="#7f8c8d", linestyle=style, label=f"{contour} max")
    right.set_xlabel("frame (from 1)")
    right.set_ylabel("distance [mm]")
    right.set_ylim(bottom=0)
    right.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})


@dataclass(frozen=True, eq=False)
class StrainDifference:
    """Strain of one slice with S segments from two readers' contours; strains are fractions.

    Attributes:
        slice_name: name of the slice.
        segment_names: [S].
        first, second: [S], peak Ecc from each reader's contours.
        conventions: contour conventions that the two predictions used.
    """

    slice_name: str
    segment_names: tuple[str, ...]
    first: Array
    second: Array
    conventions: tuple[ConventionUsed, ConventionUsed] = (ConventionUsed(), ConventionUsed())

    @property
    def difference(self) -> Array:
        """[S]: second minus first."""
        return np.asarray(self.second - self.first)

    @property
    def convention_texts(self) -> tuple[str, ...]:
        """The contour convention of the first and of the second reader; empty if neither is known."""
        texts = [convention_text([each]) for each in self.conventions]
        if not any(texts):
            return ()
        first, second = (text or CONVENTION_WORDS["auto"] for text in texts)
        return f"first reader: {first}", f"second reader: {second}"

    def as_dictionary(self) -> dict[str, Any]:
        """The numbers as JSON values; strains are fractions."""
        return {
            "slice": self.slice_name,
            "segments": list(self.segment_names),
            "peak_ecc_first": [round(float(v), 4) for v in self.first],
            "peak_ecc_second": [round(float(v), 4) for v in self.second],
            "contour_convention_first": self.conventions[0].to_dict(),
            "contour_convention_second": self.conventions[1].to_dict(),
        }


def compare_strain(
    first: Case,
    second: Case,
    model: str | Path | LoadedModel = DEFAULT_MODEL,
    *,
    progress: Progress = SILENT,
    **options: Any,
) -> tuple[StrainDifference, ...]:
    """Predict from both readers' contours with the same options and compare the segments' peak Ecc.

    Both predictions use the first reader's insertion points and end-diastole, so that only the contours differ.

    Args:
        first, second: the same slices.
        model: see `predict_strain`.
        progress: updated before each prediction.
        options: further options of `predict_strain`.

    Returns:
        One entry per slice.

    Raises:
        LaMoDInputError: the readers' slices or frames differ in number.
    """
    from LaMoDCore.prediction.device_check import choose_device
    from LaMoDCore.prediction.predict import predict_strain

    if len(first.slices) != len(second.slices) or first.frames != second.frames:
        raise LaMoDInputError(
            "the second reader's case",
            f"it has {len(second.slices)} slices of {second.frames} frames, but the first reader has "
            f"{len(first.slices)} slices of {first.frames} frames",
            "compare contours of the same slices",
        )
    device = options.pop("device", "auto")
    loaded = model if isinstance(model, LoadedModel) else load_model(model, choose_device(device)[0])
    matched = [
        replace(b, rv_insertion_lps=a.rv_insertion_lps, level=a.level, level_known=a.level_known)
        for a, b in zip(first.slices, second.slices, strict=True)
    ]
    both = replace(
        second, slices=tuple(matched), rv_insertion_lps=first.rv_insertion_lps, reference_frame=first.reference_frame
    )
    results = []
    for number, case in enumerate((first, both)):
        progress.update("readers", number / 2, f"predicting from reader {number + 1}'s contours")
        results.append(predict_strain(case, loaded, **options))
    conventions = [result.conventions or (ConventionUsed(),) * len(result.slices) for result in results]
    progress.update("done", 1.0, "both readers predicted")
    return tuple(
        StrainDifference(
            slice_.name,
            a.segment_names,
            np.nanmin(a.segment_curves["ecc"], axis=1),
            np.nanmin(b.segment_curves["ecc"], axis=1),
            used,
        )
        for slice_, a, b, used in zip(
            first.slices, results[0].slices, results[1].slices, zip(*conventions, strict=True), strict=True
        )
    )


def difference_text(slices: Sequence[StrainDifference]) -> str:
    """Format one line per segment for the terminal: peak Ecc of both readers and the difference.

    A line per slice states the contour conventions, where they are known.
    """
    lines = [f"{'peak Ecc':26}{'first':>9}{'second':>9}{'difference':>12}"]
    for part in slices:
        for s, name in enumerate(part.segment_names):
            numbers = f"{part.first[s]:+9.3f}{part.second[s]:+9.3f}{part.difference[s]:+12.3f}"
            lines.append(f"{part.slice_name[:10]:<11}{name:<15}{numbers}")
        if part.convention_texts:
            lines.append(f"{part.slice_name[:10]:<11}{'contours':<15}  {'; '.join(part.convention_texts)}")
    return "\n".join(lines)


def difference_csv(slices: Sequence[StrainDifference]) -> str:
    """Format one row per segment, as fractions, with the contour conventions that the predictions used."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    header = ["slice", "segment", "peak_ecc_first", "peak_ecc_second", "difference"]
    writer.writerow([*header, "contour_convention_first", "contour_convention_second"])
    for part in slices:
        used = [each.used or "" for each in part.conventions]
        for name, a, b in zip(part.segment_names, part.first, part.second, strict=True):
            writer.writerow([table_cell(part.slice_name), name, f"{a:.4f}", f"{b:.4f}", f"{b - a:+.4f}", *used])
    return table.getvalue()


def draw_difference(slices: Sequence[StrainDifference], path: Path) -> None:
    """Plot both readers' peak Ecc of each segment, joined by a line; byte-stable."""
    from matplotlib.figure import Figure

    from LaMoDCore.report.style import page_style

    with page_style():
        height = 0.6 + sum(2.0 + 0.15 * len(part.convention_texts) for part in slices)
        figure = Figure(figsize=(6.4, height), dpi=110, facecolor="white")
        axes = figure.subplots(len(slices), 1, squeeze=False)[:, 0]
        for ax, part in zip(axes, slices, strict=True):
            places = np.arange(len(part.segment_names))
            ax.vlines(places, 100 * part.first, 100 * part.second, color="#6b7480", linewidth=1.2)
            ax.scatter(places, 100 * part.first, s=30, color="#c98a00", label="first reader", zorder=3)
            ax.scatter(places, 100 * part.second, s=30, color="#2a6fb0", marker="D", label="second reader", zorder=3)
            ax.set_xticks(places, part.segment_names, fontsize=6.5)
            ax.set_ylabel("peak Ecc [%]")
            worst = 100 * float(np.abs(part.difference).max())
            title = f"{part.slice_name}: the readers differ by up to {worst:.1f} %-points"
            contours = [f"contours of the {text}" for text in part.convention_texts]
            ax.set_title("\n".join([title, *contours]), fontsize=8)
            ax.margins(x=0.08, y=0.2)
        axes[0].legend(fontsize=7, frameon=False, loc="best")
        figure.tight_layout()
        figure.savefig(path, metadata={"Software": None})
