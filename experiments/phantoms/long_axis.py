"""Strain by the length of drawn long-axis contours against the strain of the tissue, on synthetic ventricles.

    python -m experiments.phantoms.long_axis [--subjects N] [--readers N] [--seed N] [--frames N]

Each subject is cut by a four-, a two- and a three-chamber plane. Exact contours, contours of readers (errors of
0.8–1.2 mm across the wall, 1.5 mm along it at its ends), and readers who also leave trabeculae out of the wall at
end-diastole. Tissue strain is that of the tissue on the end-diastolic lines, in the meridian; the last column includes
twist. Percentage points, systolic peak of the mean of three views; mean ± SD over the subjects (and readers).
"""

from __future__ import annotations

import argparse

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.end_diastole import reference_frame
from LaMoDCore.heart.long_axis.mid_wall import lines_mm, mid_wall_mm
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.long_axis.view import LINE_NAMES, LongAxisView
from LaMoDCore.phantom import DISEASES, draw_annotator, sample_subject
from LaMoDCore.phantom.heart.long_axis.cut import LongAxisCut
from LaMoDCore.phantom.heart.long_axis.ventricle import Ventricle
from LaMoDCore.phantom.imaging.long_axis_reader import LongAxisStyle, drawn_view, exact_contours, exact_lines_mm
from LaMoDCore.strain.long_axis.interval import HALF_WIDTH_MM
from LaMoDCore.strain.long_axis.line_strain import segment_lengths_mm
from LaMoDCore.strain.long_axis.summary import long_axis_summary

_TRABECULAE_MM = 2.0


def cuts_of(seed: int, disease: str, frames: int) -> list[LongAxisCut]:
    """The planes of a subject, at evenly spaced phases."""
    subject = sample_subject(seed, disease)
    ventricle = Ventricle(subject, np.arange(frames) / frames)
    septum = subject.slice_parameters[1].shape.insertion_angle + np.radians(60.0)
    return [LongAxisCut(ventricle, septum + np.radians(angle)) for angle in (30.0, 90.0, -30.0)]


def tissue(cuts: list[LongAxisCut], views: list[LongAxisView]) -> tuple[Array, Array, Array]:
    """Peak tissue strain of the three lines, that with twist, and peaks of the 18 segments of mid-wall."""
    curves, twisted, segments = [], [], []
    for cut, view in zip(cuts, views, strict=True):
        lines = exact_lines_mm(view, cut)
        followed = [cut.followed(line) for line in lines]
        curves.append([length_mm(each) / length_mm(each)[0] - 1 for each in followed])
        twisted.append([cut.material_strain(line, with_twist=True) for line in lines])
        parts = followed[1]
        steps = np.linalg.norm(np.diff(parts, axis=1), axis=-1)
        half = steps.shape[1] // 2
        for side in (steps[:, :half], steps[:, half:][:, ::-1]):
            third = np.minimum(3 * (np.cumsum(side[0]) - side[0] / 2) / side[0].sum(), 2.999).astype(int)
            lengths = np.stack([side[:, third == k].sum(axis=1) for k in range(3)])
            segments.append((lengths / lengths[:, :1] - 1).min(axis=1))
    return np.mean(curves, axis=0).min(axis=1), np.mean(twisted, axis=0).min(axis=1), np.concatenate(segments)


def measured(views: list[LongAxisView], count: int = 3) -> tuple[Array, Array]:
    """GLS of the three lines of the first views, and their mean end-diastolic lengths."""
    summary = long_axis_summary(views[:count])
    ed = [[length_mm(line[reference_frame(v)]) for line in lines_mm(v).values()] for v in views[:count]]
    return np.array([summary["gls"][name] for name in LINE_NAMES]), np.mean(ed, axis=0)


def segment_peaks(views: list[LongAxisView]) -> Array:
    """[18]: peaks of the segments of mid-wall."""
    found = []
    for view in views:
        lengths = segment_lengths_mm(mid_wall_mm(view))
        found.append((lengths / lengths[:, [reference_frame(view)]] - 1).min(axis=1))
    return np.concatenate(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=4, help="per disease")
    parser.add_argument("--readers", type=int, default=6, help="per subject, half of them leave out trabeculae")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--frames", type=int, default=16)
    args = parser.parse_args()
    rows: dict[str, list[Array]] = {}
    noisy: dict[str, list[Array]] = {}
    trabecular: dict[str, list[Array]] = {}
    twist: dict[str, list[float]] = {}
    by_segment: dict[str, list[Array]] = {}
    shortfall: dict[tuple[int, bool], list[Array]] = {(n, layer): [] for n in (1, 2, 3) for layer in (False, True)}
    for disease in DISEASES:
        for seed in range(args.seed, args.seed + args.subjects):
            cuts = cuts_of(seed, disease, args.frames)
            contours = [exact_contours(cut) for cut in cuts]
            exact = [drawn_view(cut, each) for cut, each in zip(cuts, contours, strict=True)]
            truth, twisted, segments = tissue(cuts, exact)
            own, _ = measured(exact)
            rows.setdefault(disease, []).append(np.stack([truth, own - truth]))
            twist.setdefault(disease, []).append(float(twisted[1] - truth[1]))
            by_segment.setdefault(disease, []).append(segment_peaks(exact) - segments)
            rng = np.random.default_rng([seed, DISEASES.index(disease)])
            single = [tissue(cuts[:1], exact[:1])[0], tissue(cuts[:2], exact[:2])[0], truth]
            for reader in range(args.readers):
                layer = _TRABECULAE_MM * rng.uniform() if reader % 2 else 0.0
                style = LongAxisStyle(draw_annotator(rng), layer)
                views = [drawn_view(cut, each, style, rng) for cut, each in zip(cuts, contours, strict=True)]
                for count in (1, 2, 3):
                    gls, lengths = measured(views, count)
                    difference = gls - single[count - 1]
                    shortfall[count, bool(layer)].append(difference * lengths * np.sqrt(count))
                    if count == 3:
                        (trabecular if layer else noisy).setdefault(disease, []).append(difference)
            print(f"{disease} {seed} done", flush=True)
    print("| disease | tissue GLS endo / mid / epi | exact: endo | mid | epi | readers: endo | mid | epi "
          "| with trabeculae: endo | mid | epi | mid, twist included |")  # fmt: skip
    print("| --- |" + " --- |" * 11)
    for disease in DISEASES:
        truth, error = np.swapaxes(np.array(rows[disease]), 0, 1)
        cells = [" / ".join(f"{100 * v:.1f}" for v in truth.mean(axis=0))]
        for values in (error, np.array(noisy[disease]), np.array(trabecular[disease])):
            cells += [f"{100 * values[:, k].mean():+.1f} ± {100 * values[:, k].std():.1f}" for k in range(3)]
        print(f"| {disease} | " + " | ".join(cells) + f" | {100 * np.mean(twist[disease]):+.1f} |")
    errors = np.concatenate([np.array(rows[d])[:, 1] for d in DISEASES])
    print("exact, largest |difference| of any subject (endo, mid, epi):", np.round(100 * np.abs(errors).max(axis=0), 2))
    for name, group in (("readers", noisy), ("with trabeculae", trabecular)):
        values = 100 * np.concatenate([np.array(group[d]) for d in DISEASES])
        print(
            name,
            "mean difference",
            values.mean(axis=0).round(2),
            "mean |difference|",
            np.abs(values).mean(axis=0).round(2),
        )
    print("segments, mean |difference| of mid-wall:",
          {d: round(100 * float(np.abs(np.array(by_segment[d])).mean()), 1) for d in DISEASES})  # fmt: skip
    widths = np.array([HALF_WIDTH_MM[name] for name in LINE_NAMES])
    for (count, layer), values in shortfall.items():
        found = np.abs(np.array(values))
        limit, held = np.quantile(found, 0.9, axis=0).round(1), (found <= widths).mean(axis=0).round(3)
        who = "readers with trabeculae left out" if layer else "readers"
        print(
            f"{count} view(s), {who}: 90 % of |difference| × length × √views below {limit} mm; in the interval {held}"
        )


if __name__ == "__main__":
    main()
