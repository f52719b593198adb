"""Errors of automatic contours on simulated cines with exact contours, and the parameters of a reader that errs so.

    python -m experiments.contours.engine_errors --out DIR [--engine NAME|DIR] [--subjects N] [--per-frame 1|2]

Slices at base, mid and apex of synthetic subjects, with random contrast, noise, coil sensitivity, blur and resolution.
Every second subject comes from the wider distributions of ``randomised`` and ``varied_scene``. The cines have 12
frames, those of every fifth subject 24. Every slice is stored in DIR once it is measured, and reused.

Errors are differences of radii about the phantom's centre, in mm, positive outwards, on 72 rays: those of the engine's
curves with the limits of ``rings.rasterise``, before they become pixels. Frames without a ring are counted and left
out. The model that is fitted is that of ``LaMoDCore.phantom.imaging.annotator``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares, minimize_scalar
from scipy.stats import spearmanr

from LaMoDCore.contours.automatic.heart_contours import heart_center_lps
from LaMoDCore.contours.automatic.network import ContourNetwork
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE, find_engine
from LaMoDCore.contours.automatic.rings import contour_points
from LaMoDCore.contours.automatic.slice_contours import UNSURE, SliceContours, contour_slice
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.phantom.heart.contours import PolarContours
from LaMoDCore.phantom.heart.randomised import randomised
from LaMoDCore.phantom.heart.slices import PhantomSlice
from LaMoDCore.phantom.heart.subject import Subject, sample_subject
from LaMoDCore.phantom.heart.timecurves import contraction
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, cine_pictures, draw_cine_protocol
from LaMoDCore.phantom.imaging.scene import Scene, SceneMotion, Tissue, draw_scene
from LaMoDCore.training.contours.scenes import varied_scene

PLANES = ("base", "mid-1", "apex")
LEVELS = ("base", "mid", "apex")
#: First seed of the subjects, and the stream of their pictures.
SUBJECT, STREAM = 96000, 0xE9613E
RAYS = 72
#: Frames of a cine, and of every fifth subject's, which show how fast errors change.
FRAMES, MORE_FRAMES = 12, 24
#: The ring's smallest radius of the cavity and thickness in pixels, as in ``rings.rasterise``.
LEAST_CAVITY_PIXELS, LEAST_WALL_PIXELS = 1.7, 1.2
HARMONICS, SHOWN_HARMONICS = 13, 8
CONTOURS = ("endo", "epi")
#: Frames in which a contour is off by more on average show another structure and are counted only.
FAILED_MM = 5.0
#: Muscle inside the endocardium is searched for in these steps and up to this depth, mm.
STEP_MM, DEPTH_MM = 0.25, 8.0


@dataclass(frozen=True, eq=False)
class MeasuredSlice:
    """Errors of one slice.

    Attributes:
        level: base, mid or apex.
        phases, work: [T], fraction of R–R and contraction, 0–1.
        endo, epi: [T, RAYS] error in mm.
        exact_endo, exact_epi: [T, RAYS] exact radii.
        muscle: [T, RAYS] thickness of trabeculae and papillary muscles that touch the endocardium, mm.
        confidence: [T], 0–1.
        found: bool [T], whether there is a ring.
    """

    level: str
    phases: Array
    work: Array
    endo: Array
    epi: Array
    exact_endo: Array
    exact_epi: Array
    muscle: Array
    confidence: Array
    found: Array

    def save(self, file: Path) -> None:
        np.savez(file, **vars(self))

    @classmethod
    def load(cls, file: Path) -> MeasuredSlice:
        with np.load(file) as stored:
            arrays = {name: stored[name] for name in stored.files if name != "level"}
            return cls(level=str(stored["level"]), **arrays)


def draw_protocol(rng: np.random.Generator, site: int) -> CineProtocol:
    """A site's protocol with wider ranges of contrast, noise, coil sensitivity, blur, pixels and slice thickness."""
    usual = draw_cine_protocol(rng, site)
    signals = np.array(usual.signals)
    signals[Tissue.BLOOD] *= rng.uniform(0.6, 1.1)
    signals[Tissue.MYOCARDIUM] *= rng.uniform(0.8, 1.3)
    signals[Tissue.FAT] *= rng.uniform(0.5, 1.2)
    pixel = float(rng.uniform(1.1, 2.0))
    height, width = (2 * round(side * usual.pixel_mm / pixel / 2) for side in usual.shape)
    return replace(
        usual,
        pixel_mm=pixel,
        shape=(height, width),
        thickness_mm=float(rng.uniform(6, 10)),
        signals=tuple(float(s) for s in signals),
        noise=usual.noise * float(np.exp(rng.uniform(np.log(0.5), np.log(3.0)))),
        coil_fall_mm=float(rng.uniform(70, 250)),
        blur_px=float(rng.uniform(0.45, 1.0)),
    )


def draw_subject(number: int, rng: np.random.Generator) -> Subject:
    subject = sample_subject(SUBJECT + number)
    return randomised(subject, rng) if number % 2 else subject


def measure_subject(network: ContourNetwork, number: int, per_frame: int) -> list[MeasuredSlice]:
    """Simulate the cines of one subject and measure the engine's contours."""
    rng = np.random.default_rng([STREAM, number])
    planes = [plane for plane in draw_subject(number, rng).slices() if plane.name in PLANES]
    protocol = draw_protocol(rng, number)
    frames = FRAMES if number % 5 else MORE_FRAMES
    phases = np.arange(frames) / frames
    offset = (float(rng.normal(0, 8)), float(rng.normal(0, 8)))
    scenes, stacks = [], []
    for plane in planes:
        scene = draw_scene(plane, number)
        scenes.append(varied_scene(scene, rng) if number % 2 else scene)
        grid = cine_grid(plane, protocol, offset)
        pictures = cine_pictures(plane, grid, phases, protocol, seed=number, scene=scenes[-1])
        stacks.append(FrameStack(plane.name, pictures[:, None], grid.ijk_to_lps))
    center = heart_center_lps(stacks)
    found = []
    for plane, scene, stack in zip(planes, scenes, stacks, strict=True):
        grid = stack.slice_grid(0)
        x, y = grid.lps_to_pixel(center)
        drawn = contour_slice(network, stack, (float(x), float(y)), per_frame)
        found.append(compared(plane, scene, grid, phases, drawn))
    return found


def compared(plane: PhantomSlice, scene: Scene, grid: SliceGrid, phases: Array, drawn: SliceContours) -> MeasuredSlice:
    """The engine's contours of a slice against the exact ones."""
    exact = plane.contours(phases, samples=RAYS)
    endo, epi = np.full(exact.endo.shape, np.nan), np.full(exact.epi.shape, np.nan)
    seen = np.zeros(len(phases), dtype=bool)
    if drawn.rings is not None:
        rings, pixel = drawn.rings, max(grid.spacing_mm)
        seen = (rings.epi.radius_mm.mean(axis=1) > 6.0) & ((rings.endo.sharpness > 0).mean(axis=1) >= 0.5)
        outer = np.maximum(rings.epi.radius_mm, (LEAST_CAVITY_PIXELS + LEAST_WALL_PIXELS) * pixel)
        inner = np.clip(rings.endo.radius_mm, LEAST_CAVITY_PIXELS * pixel, outer - LEAST_WALL_PIXELS * pixel)
        for frame in np.flatnonzero(seen):
            for radii, target in ((inner, endo), (outer, epi)):
                points = contour_points(rings.center_xy[frame], radii[frame], drawn.grid)
                xy = (grid.pixel_to_lps(points) - plane.parameters.center_lps) @ plane.grid.directions
                target[frame] = radii_about(xy, exact.center[frame])
    return MeasuredSlice(
        level=plane.level,
        phases=phases,
        work=contraction(plane.subject.timing, phases),
        endo=endo - exact.endo,
        epi=epi - exact.epi,
        exact_endo=exact.endo,
        exact_epi=exact.epi,
        muscle=muscle_inside(scene.at(phases), exact),
        confidence=drawn.confidence,
        found=seen,
    )


def radii_about(xy: Array, center: complex) -> Array:
    """Radii [RAYS] of a closed curve [N, 2] about a centre."""
    offset = xy[:, 0] - 1j * xy[:, 1] - center
    theta = np.arange(RAYS) * 2 * np.pi / RAYS
    return np.asarray(np.interp(theta, np.mod(np.angle(offset), 2 * np.pi), np.abs(offset), period=2 * np.pi))


def muscle_inside(motion: SceneMotion, exact: PolarContours) -> Array:
    """Thickness [T, RAYS] of the muscle that touches the endocardium from inside, mm."""
    depth = np.arange(STEP_MM / 2, DEPTH_MM, STEP_MM)
    arms = np.exp(2j * np.pi * np.arange(RAYS) / RAYS)
    found = np.empty(exact.endo.shape)
    for frame, (center, radii) in enumerate(zip(exact.center, exact.endo, strict=True)):
        inside = np.maximum(radii[:, None] - depth, 0.0)
        where = center + inside * arms[:, None]
        muscle = motion.heart_tissue(frame, np.stack([where.real, -where.imag], axis=-1)) == Tissue.MYOCARDIUM
        found[frame] = STEP_MM * np.cumprod(muscle, axis=1).sum(axis=1)
    return found


@dataclass(frozen=True)
class FittedTime:
    """Shares of an error's variance and the correlation length of its drift, as attributes of ``Annotator``."""

    habit: float
    jitter: float
    memory: float


def autocorrelation(slices: Sequence[Array], phases: Sequence[Array]) -> tuple[Array, Array, Array]:
    """Lags (fractions of R–R), correlation and number of pairs of frames, averaged over slices of equal weight.

    Args:
        slices: errors [T, RAYS] without mean, NaN where not found.
        phases: [T] of each slice.
    """
    lags: dict[int, list[float]] = {}
    for error, times in zip(slices, phases, strict=True):
        there = np.flatnonzero(np.isfinite(error[:, 0]))
        size = (error[there] ** 2).mean()
        for i in there:
            for j in there[there > i]:
                lag = round(min(times[j] - times[i], 1 - times[j] + times[i]) * MORE_FRAMES)
                lags.setdefault(lag, []).append(float((error[i] * error[j]).mean() / size))
    order = sorted(lags)
    means, counts = (np.array([part(lags[k]) for k in order], dtype=float) for part in (np.mean, len))
    return np.array(order) / MORE_FRAMES, means, counts


def fit_time(slices: Sequence[Array], phases: Sequence[Array]) -> FittedTime:
    """Fit habit, jitter and memory to the autocorrelation of errors [T, RAYS]."""
    lag, found, count = autocorrelation(slices, phases)

    def misfit(parameters: Array) -> Array:
        habit, drift, memory = parameters
        drifting = np.exp(-((np.sin(np.pi * lag) / (np.pi * memory)) ** 2))
        return np.asarray((habit + drift * drifting - found) * np.sqrt(count))

    best = least_squares(misfit, [0.5, 0.4, 0.12], bounds=([0, 0, 0.02], [1, 1, 0.4])).x
    return FittedTime(float(best[0]), float(max(1 - best[0] - best[1], 0.0)), float(best[2]))


def power(error: Array) -> Array:
    """[HARMONICS] power of the harmonics of errors [N, RAYS], whose sum is the variance."""
    spectrum = np.abs(np.fft.rfft(error, axis=1) / error.shape[1]) ** 2
    spectrum[:, 1:] *= 2
    return np.asarray(spectrum[:, :HARMONICS].mean(axis=0))


def fit_smoothness(found: Array) -> float:
    """The smoothness whose spectrum exp(−(k / smoothness)²/2) is the most probable for powers [HARMONICS], k ≥ 1."""
    order = np.arange(1, HARMONICS)

    def cost(smoothness: float) -> float:
        shape = np.exp(-0.5 * (order / smoothness) ** 2) + 1e-3
        expected = shape * (found[1:] / shape).mean()
        return float((np.log(expected) + found[1:] / expected).sum())

    return float(minimize_scalar(cost, bounds=(0.5, 12.0), method="bounded").x)


def usable(measured: MeasuredSlice) -> Array:
    """bool [T]: frames with a ring that is not off by more than FAILED_MM."""
    size = np.nan_to_num(np.maximum(np.abs(measured.endo).mean(axis=1), np.abs(measured.epi).mean(axis=1)), nan=np.inf)
    return np.asarray(measured.found & (size <= FAILED_MM))


def errors_of(measured: MeasuredSlice, contour: str) -> Array:
    """[T, RAYS] errors of a contour, NaN in frames that are not usable."""
    error: Array = getattr(measured, contour)
    return np.where(usable(measured)[:, None], error, np.nan)


def course(measured: MeasuredSlice, contour: str) -> tuple[float, float]:
    """Mean error of a slice at rest and its change with full contraction, mm: a line through its frames."""
    mean = errors_of(measured, contour).mean(axis=1)
    there = np.isfinite(mean)
    slope, first = np.polyfit(measured.work[there], mean[there], 1)
    return float(first), float(slope)


def remainder(measured: MeasuredSlice, contour: str) -> Array:
    """Errors [T, RAYS] without that line."""
    first, slope = course(measured, contour)
    return errors_of(measured, contour) - (first + slope * measured.work)[:, None]


def at_phase(group: Sequence[MeasuredSlice], contour: str, systole: bool) -> Array:
    """[N] mean error of a contour in each slice at end-systole or end-diastole."""
    frames = [int(np.argmax(one.work)) if systole else 0 for one in group]
    mean = np.array([errors_of(one, contour)[frame].mean() for one, frame in zip(group, frames, strict=True)])
    return np.asarray(mean[np.isfinite(mean)])


def correlation(first: Sequence[Array], second: Sequence[Array]) -> float:
    a, b = (np.concatenate([error.ravel() for error in errors]) for errors in (first, second))
    there = np.isfinite(a) & np.isfinite(b)
    return float((a[there] * b[there]).mean() / np.sqrt((a[there] ** 2).mean() * (b[there] ** 2).mean()))


def groups(slices: Sequence[MeasuredSlice]) -> dict[str, list[MeasuredSlice]]:
    return {level: [one for one in slices if one.level == level] for level in LEVELS} | {"all": list(slices)}


def print_sizes(slices: Sequence[MeasuredSlice]) -> None:
    """Frames, bias at end-diastole and end-systole and its SD between slices, and mean absolute error."""
    print("| level | slices | frames | no ring | failed | unsure | contour | bias ED | bias ES | mean absolute error |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |")
    for level, group in groups(slices).items():
        found = np.concatenate([one.found for one in group])
        good = np.concatenate([usable(one) for one in group])
        unsure = good & (np.concatenate([one.confidence for one in group]) < UNSURE)
        counts = f"{len(group)} | {found.size} | {(~found).sum()} | {(found & ~good).sum()} | {unsure.sum()}"
        for contour in CONTOURS:
            phases = (at_phase(group, contour, systole) for systole in (False, True))
            cells = [f"{each.mean():+.2f} ± {each.std(ddof=1):.2f}" for each in phases]
            size = np.nanmean(np.abs(np.concatenate([errors_of(one, contour) for one in group])))
            print(f"| {level} | {counts} | {contour} | {' | '.join(cells)} | {size:.2f} |")


def print_structure(slices: Sequence[MeasuredSlice]) -> None:
    """How the errors of slices without their mean course are spread along the contour."""
    harmonics = " | ".join(f"k = {k}" for k in range(SHOWN_HARMONICS))
    print(f"\n| level | contour | SD | smoothness | endo with epi | {harmonics} |")
    print(f"| --- | --- |{' ---: |' * (3 + SHOWN_HARMONICS)}")
    for level, group in groups(slices).items():
        each = {contour: [remainder(one, contour) for one in group] for contour in CONTOURS}
        shared = correlation(each["endo"], each["epi"])
        for contour, errors in each.items():
            flat = np.concatenate(errors)
            flat = flat[np.isfinite(flat[:, 0])]
            found = power(flat)
            cells = (np.sqrt((flat**2).mean()), fit_smoothness(found), shared, *(found / found.sum())[:SHOWN_HARMONICS])
            print(f"| {level} | {contour} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")


def print_time(slices: Sequence[MeasuredSlice]) -> None:
    """How the same errors change over the cycle, for cines of each number of frames."""
    lags = [k / FRAMES for k in range(1, FRAMES // 2 + 1)]
    shown = " | ".join(f"{lag:.2f}" for lag in lags)
    print(f"\n| frames | slices | contour | constant | drifting | independent | memory | correlation after {shown} |")
    print(f"| ---: | ---: | --- |{' ---: |' * (4 + len(lags))}")
    for frames in (MORE_FRAMES, FRAMES):
        group = [one for one in slices if len(one.phases) == frames]
        for contour in CONTOURS if group else ():
            errors, phases = [remainder(one, contour) for one in group], [one.phases for one in group]
            time = fit_time(errors, phases)
            lag, found, _ = autocorrelation(errors, phases)
            drift = max(1 - time.habit - time.jitter, 0.0)
            cells = (time.habit, drift, time.jitter, time.memory, *np.interp(lags, lag, found))
            print(f"| {frames} | {len(group)} | {contour} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")


def print_spread(slices: Sequence[MeasuredSlice]) -> None:
    """Percentiles over slices of the figures from which readers are drawn."""
    print("\n| of a slice | level | mean | SD | 10 % | 50 % | 90 % |\n| --- | --- |" + " ---: |" * 5)
    apex = [one for one in slices if one.level == "apex"]
    for level, group in (("base, mid", [one for one in slices if one.level != "apex"]), ("apex", apex)):
        sizes, courses = {}, {}
        for contour in CONTOURS:
            courses[contour] = np.array([course(one, contour) for one in group])
            sizes[contour] = np.array([np.nanmean(np.abs(remainder(one, contour))) for one in group])
            print_percentiles(f"{contour}, bias at rest", level, courses[contour][:, 0])
            print_percentiles(f"{contour}, change of bias to ES", level, courses[contour][:, 1])
            rank = float(spearmanr(courses[contour]).statistic)
            print(f"| {contour}, rank correlation of bias and change | {level} | {rank:+.2f} | – | – | – | – |")
            print_percentiles(f"{contour}, remainder, mean absolute", level, sizes[contour])
            smoothness = [fit_smoothness(power(remainder(one, contour)[usable(one)])) for one in group]
            print_percentiles(f"{contour}, smoothness", level, np.array(smoothness))
            habit = [
                np.nanmean(remainder(one, contour), axis=0).var() / np.nanvar(remainder(one, contour)) for one in group
            ]
            print_percentiles(f"{contour}, share that is constant", level, np.array(habit))
        wall = courses["epi"] - courses["endo"]
        print_percentiles("wall thickness, bias at rest", level, wall[:, 0])
        print_percentiles("wall thickness, change of bias to ES", level, wall[:, 1])
        print_percentiles("epi / endo of the remainder", level, sizes["epi"] / sizes["endo"])
        shared = [correlation([remainder(one, "endo")], [remainder(one, "epi")]) for one in group]
        print_percentiles("endo with epi, correlation", level, np.array(shared))


def print_percentiles(name: str, level: str, values: Array) -> None:
    cells = (values.mean(), values.std(ddof=1), *np.percentile(values, (10, 50, 90)))
    print(f"| {name} | {level} | {' | '.join(f'{value:+.2f}' for value in cells)} |")


def print_convention(slices: Sequence[MeasuredSlice]) -> None:
    """The share of trabeculae and papillary muscles touching the endocardium that is drawn as wall, by contraction."""
    print("\n| contraction | endo on rays without muscle | with 0.5–3 mm | with more | drawn as wall, to 3 mm | more |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    work, error, muscle = (
        np.concatenate([part(one)[usable(one)].ravel() for one in slices])
        for part in (
            lambda one: np.repeat(one.work[:, None], RAYS, axis=1),
            lambda one: one.endo,
            lambda one: one.muscle,
        )
    )
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.01)):
        here = (work >= low) & (work < high)
        ranges = [here & (muscle >= least) & (muscle < most) for least, most in ((0, 0.5), (0.5, 3), (3, np.inf))]
        means = [float(error[rays].mean()) for rays in ranges]
        shares = [(means[0] - mean) / float(muscle[rays].mean()) for mean, rays in zip(means, ranges, strict=True)]
        cells = " | ".join(f"{mean:+.2f}" for mean in means)
        print(f"| {low:.1f}–{min(high, 1):.1f} | {cells} | {shares[1]:.2f} | {shares[2]:.2f} |")


def print_confidence(slices: Sequence[MeasuredSlice]) -> None:
    """Errors by the engine's confidence."""
    print("\n| confidence | frames | failed | endo, mean absolute | epi, mean absolute |\n| --- |" + " ---: |" * 4)
    confidence = np.concatenate([one.confidence for one in slices])
    found = np.concatenate([one.found for one in slices])
    good = np.concatenate([usable(one) for one in slices])
    for low, high in ((0.0, 0.5), (0.5, 0.9), (0.9, 0.96), (0.96, 1.01)):
        here = found & (confidence >= low) & (confidence < high)
        sizes = [
            np.abs(np.concatenate([getattr(one, name) for one in slices]))[here & good].mean() for name in CONTOURS
        ]
        cells = " | ".join(f"{size:.2f}" for size in sizes)
        print(f"| {low}–{min(high, 1.0)} | {here.sum()} | {(here & ~good).sum()} | {cells} |")


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the measured slices")
    parser.add_argument("--engine", default=DEFAULT_ENGINE, help="name or folder of the contour engine")
    parser.add_argument("--subjects", type=int, default=20, help="number of synthetic subjects (default 20)")
    parser.add_argument("--per-frame", type=int, default=1, choices=(1, 2), help="orientations per frame (default 1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network (default 1)")
    args = parser.parse_args(words)
    args.out.mkdir(parents=True, exist_ok=True)
    network = ContourNetwork(find_engine(args.engine), args.threads)
    slices = []
    for number in range(args.subjects):
        files = [args.out / f"{number:03d}-{plane}-{args.per_frame}.npz" for plane in PLANES]
        if not all(file.is_file() for file in files):
            for file, measured in zip(files, measure_subject(network, number, args.per_frame), strict=True):
                measured.save(file)
        slices += [MeasuredSlice.load(file) for file in files]
    print(f"Engine {network.description.name}, {args.per_frame} per frame, {args.subjects} subjects; mm\n")
    print_sizes(slices)
    modelled = [one for one in slices if usable(one).mean() >= 0.5]
    print(f"\n{len(modelled)} slices with half of their frames or more, without a line through their mean errors:")
    print_structure(modelled)
    print_time(modelled)
    print_spread(modelled)
    print_convention(slices)
    print_confidence(slices)


if __name__ == "__main__":
    main()
