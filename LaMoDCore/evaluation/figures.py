"""Figures as in the paper: maps at end-systole (2), cine and paired DENSE (3), box plots (4), Ecc in the cycle (5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.evaluation.records import OWN, PAIRED, CaseRecord, SegmentRecord
from LaMoDCore.evaluation.truth import Truth
from LaMoDCore.heart.case import Case, CineSlice, SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.report.maps import (
    Window,
    draw_arrows,
    draw_background,
    draw_strain_map,
    frame_view,
    window_of,
)
from LaMoDCore.report.style import FAINT, INK, SOFT, colour_limit, page_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 150
_ENLARGED_MM = 11.0
_ENLARGED_ROWS = 3
_PHASES = 6
#: With more methods than this, their names are rotated.
_UPRIGHT_NAMES = 4
#: Number of agreement plots per row.
_PANELS_ACROSS = 4


@dataclass(frozen=True, eq=False)
class Example:
    """One case with the result of every method; the figures show its first slice.

    Attributes:
        title: title of the row.
        case: the case as drawn, with images if there are any.
        truth: the true motion.
        strains: strain by method, in the order of the columns.
    """

    title: str
    case: Case
    truth: Truth
    strains: dict[str, SliceStrain]


@dataclass(frozen=True, eq=False)
class PairedExample:
    """One cine case, the strain of every method on it, and the paired DENSE scan; figure 3 shows its first slice.

    Attributes:
        title: title of the row.
        case: the cine case as drawn, with images if there are any.
        es_frame: end-systole of the cine.
        truth: the motion of the DENSE scan, which has its own pixels and end-systole.
        strains: strain on the cine by method, in the order of the columns.
    """

    title: str
    case: Case
    es_frame: int
    truth: Truth
    strains: dict[str, SliceStrain]


def write_figures(
    folder: Path,
    examples: Sequence[Example],
    paired: Sequence[PairedExample],
    cases: Sequence[CaseRecord],
    segments: Sequence[SegmentRecord],
    note: str,
) -> list[str]:
    """Draw every figure; returns the names of the files.

    Args:
        folder: the folder to write to.
        examples: rows of figure 2; figure 5 shows the first.
        paired: rows of figure 3; a second figure 5 shows the first.
        cases: records for the box plots.
        segments: records for the agreement plots.
        note: text below each figure, such as "synthetic data".
    """
    own, against = own_cohort(cases), [r for r in cases if r.truth == PAIRED]
    drawings: dict[str, Callable[[], Figure]] = {}
    if examples:
        drawings["figure2_displacement.png"] = lambda: draw_displacements(examples)
        drawings["figure2_ecc.png"] = lambda: draw_ecc_maps(examples)
        drawings["figure5_ecc_over_cycle.png"] = lambda: draw_ecc_over_cycle(examples[0])
    if paired:
        drawings["figure3_cine_and_dense.png"] = lambda: draw_paired_maps(paired)
        drawings["figure5_cine_and_dense.png"] = lambda: draw_paired_over_cycle(paired[0])
    if own or against:
        drawings["figure4_errors.png"] = lambda: draw_box_plots(cases)
    if own:
        ids = {r.id for r in own}
        drawings["agreement.png"] = lambda: draw_agreement([s for s in segments if s.truth == OWN and s.id in ids])
    if against:
        drawings["agreement_paired.png"] = lambda: draw_agreement([s for s in segments if s.truth == PAIRED])
    with page_style():
        for name, draw in drawings.items():
            figure = draw()
            figure.text(0.995, 0.004, note, ha="right", va="bottom", fontsize=6.5, color=SOFT)
            figure.savefig(folder / name, dpi=_DPI, metadata={"Software": None})
    return list(drawings)


def own_cohort(cases: Sequence[CaseRecord]) -> list[CaseRecord]:
    """Records with a truth of the same scan: those of DENSE cases or, without any, of the others; never both."""
    own = [r for r in cases if r.truth == OWN]
    return [r for r in own if r.cohort == "dense"] or own


def draw_displacements(examples: Sequence[Example]) -> Figure:
    """Figure 2: arrows at end-systole for truth and every method, with an enlarged region of the wall below each.

    The region is that of the largest true motion; the true arrows are also drawn there, pale, behind each method's.
    """
    shown = examples[:_ENLARGED_ROWS]
    figure, axes = _grid(2 * len(shown), 1 + len(shown[0].strains), "Displacement from end-diastole to end-systole")
    for whole, enlarged, example in zip(axes[::2], axes[1::2], shown, strict=True):
        slice_, es = example.case.slices[0], example.truth.es_frame
        true = example.truth.strains[0]
        window, near = window_of(true, slice_.grid), Window(_largest_motion(true, slice_, es), _ENLARGED_MM)
        pictured = slice_.cine is not None
        colour = "#ffc21a" if pictured else INK
        for ax, close, (name, strain) in zip(whole, enlarged, _columns(example), strict=True):
            draw_background(ax, slice_, es, window)
            draw_arrows(ax, strain, es, slice_.grid, colour=colour)
            _frame_box(ax, near, "white" if pictured else SOFT)
            frame_view(ax, slice_.grid, window)
            draw_background(close, slice_, es, near)
            if strain is not true:
                draw_arrows(close, true, es, slice_.grid, colour="#b9c2cb", every_mm=3.0, width=0.011)
            draw_arrows(close, strain, es, slice_.grid, colour=colour, every_mm=3.0, width=0.011)
            frame_view(close, slice_.grid, near, letters=False)
            _label(ax, whole, example, name, first_row=whole is axes[0])
        _row_title(enlarged[0], "enlarged", fontsize=7, color=SOFT)
    return figure


def draw_ecc_maps(examples: Sequence[Example]) -> Figure:
    """Figure 2: Ecc at end-systole on the deformed wall for truth and every method."""
    figure, axes = _grid(len(examples), 1 + len(examples[0].strains), "Ecc at end-systole", bar=True)
    limit = colour_limit(
        np.concatenate([100 * e.truth.strains[0].fields["ecc"][e.truth.es_frame].ravel() for e in examples])
    )
    image: Any = None
    for row, example in zip(axes, examples, strict=True):
        slice_, es = example.case.slices[0], example.truth.es_frame
        window = window_of(example.truth.strains[0], slice_.grid)
        for ax, (name, strain) in zip(row, _columns(example), strict=True):
            image = draw_strain_map(ax, slice_, strain, es, window, limit_percent=limit)
            _label(ax, row, example, name, first_row=row is axes[0])
    _colour_bar(figure, image)
    return figure


def draw_paired_maps(examples: Sequence[PairedExample]) -> Figure:
    """Figure 3: the cine, Ecc by every method on its contours, and Ecc of the paired DENSE scan, each at its own ES."""
    figure, axes = _grid(
        len(examples), 2 + len(examples[0].strains), "Ecc at end-systole: cine and paired DENSE", bar=True
    )
    limit = colour_limit(
        np.concatenate([100 * e.truth.strains[0].fields["ecc"][e.truth.es_frame].ravel() for e in examples])
    )
    image: Any = None
    for row, example in zip(axes, examples, strict=True):
        cine, es = example.case.slices[0], example.es_frame
        window = window_of(next(iter(example.strains.values())), cine.grid)
        draw_background(row[0], cine, es, window)
        _outline(row[0], cine, es)
        frame_view(row[0], cine.grid, window)
        for ax, strain in zip(row[1:], example.strains.values(), strict=False):
            image = draw_strain_map(ax, cine, strain, es, window, limit_percent=limit)
        dense, true = example.truth.case.slices[0], example.truth.strains[0]
        near = window_of(true, dense.grid)
        image = draw_strain_map(row[-1], dense, true, example.truth.es_frame, near, limit_percent=limit)
        names = ("cine, as drawn", *example.strains, "paired DENSE")
        for ax, name in zip(row, names, strict=True):
            if row is axes[0]:
                ax.set_title(_on_two_lines(name), loc="center")
        _row_title(row[0], example.title)
    _colour_bar(figure, image)
    return figure


def draw_ecc_over_cycle(example: Example) -> Figure:
    """Figure 5: Ecc maps over the acquired cycle, one row per method."""
    columns = _columns(example)
    slice_ = example.case.slices[0]
    acquired = np.nonzero(example.truth.case.slices[0].valid_frames)[0]
    frames = acquired[np.linspace(0, len(acquired) - 1, _PHASES).round().astype(int)]
    figure, axes = _grid(len(columns), len(frames), f"Ecc over the cycle: {example.title}", bar=True)
    true = example.truth.strains[0]
    limit = colour_limit(100 * true.fields["ecc"][example.truth.es_frame].ravel())
    window = window_of(true, slice_.grid)
    image: Any = None
    for row, (name, strain) in zip(axes, columns, strict=True):
        for ax, frame in zip(row, frames, strict=True):
            image = draw_strain_map(ax, slice_, strain, int(frame), window, limit_percent=limit)
            if row is axes[0]:
                ax.set_title(f"{slice_.frame_times_ms[frame]:.0f} ms", loc="center", fontweight="normal")
        _row_title(row[0], _on_two_lines(name))
    _colour_bar(figure, image)
    return figure


def draw_paired_over_cycle(example: PairedExample) -> Figure:
    """Figure 5 for two scans: Ecc maps at common times, one row per method on the cine and one of the paired DENSE."""
    cine, dense = example.case.slices[0], example.truth.case.slices[0]
    references = (example.case.reference_frame, example.truth.case.reference_frame)
    since = [
        np.mod(slice_.frame_times_ms - slice_.frame_times_ms[reference], slice_.rr_ms)
        for slice_, reference in zip((cine, dense), references, strict=True)
    ]
    since[1] = np.where(dense.valid_frames, since[1], np.inf)
    times = np.linspace(0.0, float(since[1][np.isfinite(since[1])].max()), _PHASES)
    rows: list[tuple[str, CineSlice, SliceStrain, Array]] = [
        (name, cine, strain, since[0]) for name, strain in example.strains.items()
    ]
    true = example.truth.strains[0]
    rows.append(("paired DENSE", dense, true, since[1]))
    figure, axes = _grid(len(rows), _PHASES, f"Ecc over the cycle, cine and paired DENSE: {example.title}", bar=True)
    limit = colour_limit(100 * true.fields["ecc"][example.truth.es_frame].ravel())
    image: Any = None
    for row, (name, slice_, strain, clock) in zip(axes, rows, strict=True):
        window = window_of(strain, slice_.grid)
        for ax, time in zip(row, times, strict=True):
            frame = int(np.argmin(np.abs(clock - time)))
            image = draw_strain_map(ax, slice_, strain, frame, window, limit_percent=limit)
            if row is axes[0]:
                ax.set_title(f"{time:.0f} ms", loc="center", fontweight="normal")
        _row_title(row[0], _on_two_lines(name))
    _colour_bar(figure, image)
    return figure


def draw_box_plots(cases: Sequence[CaseRecord]) -> Figure:
    """Figure 4: errors of every case, by method; the diamond is the mean.

    Endpoint error and segmental |Ecc| error with a truth of the same scan, of one kind of scan (`own_cohort`); and
    segmental |Ecc| error of cine cases against their paired DENSE.
    """
    models = list(dict.fromkeys(r.model for r in cases))
    own, against = own_cohort(cases), [r for r in cases if r.truth == PAIRED]
    kind = {"dense": "DENSE contours", "cine": "cine contours"}.get(own[0].cohort, own[0].cohort) if own else ""
    panels: list[tuple[list[CaseRecord], str, float, str]] = []
    if own:
        panels.append((own, "epe_mm", 1.0, f"Endpoint error (mm), {kind}"))
        panels.append((own, "ecc_error", 100.0, f"|Ecc error| at ES (% strain), {kind}"))
    if against:
        panels.append((against, "ecc_error", 100.0, "|Ecc error| at ES (% strain), cine and paired DENSE"))
    slanted = len(models) > _UPRIGHT_NAMES
    figure = _figure(max(4.6, 0.65 * len(models)) * len(panels), 4.8 if slanted else 3.8)
    bottom = 0.34 if slanted else 0.2
    rng = np.random.default_rng(0)
    for index, (chosen, name, scale, title) in enumerate(panels):
        share = 1 / len(panels)
        ax = figure.add_axes((share * (index + 0.14), bottom, 0.82 * share, 0.86 - bottom))
        values = [scale * np.array([getattr(r, name) for r in chosen if r.model == model]) for model in models]
        values = [v[np.isfinite(v)] for v in values]
        ax.boxplot(
            values, widths=0.5, showfliers=False, showmeans=True, patch_artist=True,
            medianprops={"color": INK, "linewidth": 1.2}, boxprops={"facecolor": "#dbe8f3", "edgecolor": SOFT},
            whiskerprops={"color": SOFT}, capprops={"color": SOFT},
            meanprops={"marker": "D", "markersize": 4, "markerfacecolor": "#c2570c", "markeredgecolor": "white"},
        )  # fmt: skip
        for at, points in enumerate(values, start=1):
            ax.scatter(
                at + rng.uniform(-0.18, 0.18, len(points)), points, s=4, color=INK, alpha=0.25, linewidths=0, zorder=3
            )
        ax.set_xticks(range(1, len(models) + 1), [_on_two_lines(m) for m in models])
        if slanted:
            ax.tick_params(axis="x", labelrotation=35)
            for label in ax.get_xticklabels():
                label.set(horizontalalignment="right", rotation_mode="anchor")
        ax.set_ylim(bottom=0)
        ax.grid(axis="y", color=FAINT, linewidth=0.6)
        ax.set_axisbelow(True)
        ax.set_title(title)
    return figure


def draw_agreement(segments: Sequence[SegmentRecord]) -> Figure:
    """Bland–Altman plots of segmental Ecc at end-systole, one panel per method, on common axes."""
    from LaMoDCore.evaluation.agreement import bland_altman

    models = list(dict.fromkeys(s.model for s in segments))
    across = min(len(models), _PANELS_ACROSS)
    down = -(-len(models) // across)
    wide, high = 3.0 * across + 0.9, 2.9 * down + 0.4  # inches
    figure = _figure(wide, high)
    pairs = {m: 100 * np.array([[s.ecc, s.ecc_true] for s in segments if s.model == m]) for m in models}
    reach = max(float(np.nanmax(np.abs(p[:, 0] - p[:, 1]))) for p in pairs.values()) * 1.1
    means = np.concatenate([p.mean(axis=1) for p in pairs.values()])
    for index, (model, pair) in enumerate(pairs.items()):
        row, column = divmod(index, across)
        place = (0.75 + 3.0 * column, high - 2.9 * (row + 1) + 0.15, 2.55, 1.95)
        ax = figure.add_axes((place[0] / wide, place[1] / high, place[2] / wide, place[3] / high))
        found = bland_altman(pair[:, 0], pair[:, 1])
        ax.scatter(pair.mean(axis=1), pair[:, 0] - pair[:, 1], s=5, color="#4477AA", alpha=0.35, linewidths=0)
        for at, style in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
            ax.axhline(at, color=INK, linewidth=0.9, linestyle=style)
            ax.annotate(f"{at:+.1f}".replace("-", "−"), (1, at), xycoords=("axes fraction", "data"), fontsize=6.5,
                        ha="right", va="bottom")  # fmt: skip
        ax.set_xlim(float(np.nanmin(means)) - 1, float(np.nanmax(means)) + 1)
        ax.set_ylim(-reach, reach)
        ax.set_title(_on_two_lines(model))
        if index + across >= len(models):
            ax.set_xlabel("mean of predicted and true Ecc (%)")
        if column == 0:
            ax.set_ylabel("predicted − true (%)")
    return figure


def _columns(example: Example) -> list[tuple[str, SliceStrain]]:
    return [("truth", example.truth.strains[0]), *example.strains.items()]


def _largest_motion(strain: SliceStrain, slice_: CineSlice, frame: int) -> tuple[float, float]:
    """Point (x, y) of the wall in mm with the largest displacement."""
    length = np.hypot(*strain.displacement_mm[frame]) * strain.myocardium
    row, column = np.unravel_index(int(np.argmax(length)), length.shape)
    dx, dy = slice_.grid.spacing_mm
    return float(column * dx), float(row * dy)


def _outline(ax: Axes, slice_: CineSlice, frame: int) -> None:
    """The drawn contour of a frame."""
    dx, dy = slice_.grid.spacing_mm
    rows, columns = slice_.grid.shape
    x, y = np.arange(columns) * dx, np.arange(rows) * dy
    ax.contour(x, y, slice_.myocardium[frame].astype(np.float32), levels=[0.5], colors="#e07b00", linewidths=1.1)


def _frame_box(ax: Axes, window: Window, colour: str) -> None:
    (x, y), half = window.center_mm, window.half_mm
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * half + (x, y)
    ax.plot(corners[:, 0], corners[:, 1], color=colour, linewidth=0.7, zorder=6)


def _label(ax: Axes, row: Sequence[Axes], example: Example, name: str, *, first_row: bool) -> None:
    if first_row:
        ax.set_title(_on_two_lines(name), loc="center")
    if ax is row[0]:
        _row_title(ax, example.title)


def _row_title(ax: Axes, text: str, fontsize: float = 7.5, color: str = INK) -> None:
    """Write the title of a row left of its first map, whose axes are hidden and with them their labels."""
    weight = "bold" if color == INK else "normal"
    ax.text(
        -0.03, 0.5, text, fontsize=fontsize, color=color, fontweight=weight, rotation=90, ha="right", va="center",
        transform=ax.transAxes, multialignment="center",
    )  # fmt: skip


def _on_two_lines(name: str) -> str:
    """Break the name before its options, so that neighbouring names do not overlap."""
    return name.replace(", ", "\n", 1).replace(" (", "\n(", 1)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _grid(rows: int, columns: int, title: str, *, bar: bool = False) -> tuple[Figure, list[list[Axes]]]:
    side, left, top, bottom, right = 2.0, 0.35, 0.55, 0.2, 0.75 if bar else 0.1
    figure = _figure(left + columns * side + right, top + rows * side + bottom)
    width, height = figure.get_size_inches()
    figure.text(0.06 / width * 6, 1 - 0.22 / height, title, fontsize=10, fontweight="bold", va="center")
    axes = [
        [
            figure.add_axes(
                (
                    (left + c * side) / width,
                    (bottom + (rows - 1 - r) * side) / height,
                    0.96 * side / width,
                    0.96 * side / height,
                )
            )
            for c in range(columns)
        ]
        for r in range(rows)
    ]
    return figure, axes


def _colour_bar(figure: Figure, image: Any) -> None:
    width, _ = figure.get_size_inches()
    ax = figure.add_axes((1 - 0.62 / width, 0.25, 0.12 / width, 0.5))
    bar = figure.colorbar(image, cax=ax)
    bar.ax.set_title("Ecc (%)", fontsize=7, loc="center", fontweight="normal")
    bar.ax.tick_params(length=2, pad=2, labelsize=6.5)
