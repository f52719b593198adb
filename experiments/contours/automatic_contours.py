"""Automatic contours against known ones: overlap, closed rings, confidence and time, as a Markdown table.

    python -m experiments.contours.automatic_contours [--engine NAME|DIR] [--settings 1,2] [--frames N] [--threads N]
                                                      [--hard] [--phantom] [--subjects N] [--keep DIR]
    python -m experiments.contours.automatic_contours --timing 1,3,10 [--engine NAME|DIR] [--frames N]

The real cines have the contours of a segmentation pipeline, not of a person. ``--hard`` adds degraded copies of them,
``--phantom`` simulated cines at base, mid and apex with exact contours. Setting 1 or 2 is the number of orientations in
which the network sees each frame; *argmax* is the most probable label of each pixel in the first one, without rings.

wall, cavity   mean Dice over the frames; least: the worst frame
closed         frames whose wall is a closed ring
confidence     mean over the frames; least: the lowest; unsure: frames below the limit
use            of the slice

``--timing`` measures time and memory of `lamod contour` in new processes for so many slices instead (Linux).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.stats import spearmanr

from experiments.paths import REAL_DATA, ROOT
from LaMoDCore.contours.automatic.engine import LABELS
from LaMoDCore.contours.automatic.heart_contours import heart_center_lps
from LaMoDCore.contours.automatic.network import ContourNetwork, orientation_plan, turn_to_upright
from LaMoDCore.contours.automatic.network_grid import NetworkGrid, network_grid
from LaMoDCore.contours.automatic.registry import DEFAULT_ENGINE, find_engine
from LaMoDCore.contours.automatic.slice_contours import UNSURE, contours_of, network_pictures
from LaMoDCore.contours.automatic.study import read_short_axis_study
from LaMoDCore.evaluation.overlap import dice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.ring.mask import is_closed_ring
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.phantom.heart.subject import sample_subject
from LaMoDCore.phantom.imaging.cine import CineProtocol, cine_grid, cine_pictures
from LaMoDCore.phantom.imaging.scene import draw_scene

SERIES = ("Se3", "Se4")
MYOCARDIUM, CAVITY = 2, 3
PLANES = ("base", "mid-1", "apex")
PROTOCOL = CineProtocol(frames=25)
#: First seed of the phantom subjects.
SUBJECT = 95000
COLUMNS = ("wall", "least", "cavity", "least", "closed", "confidence", "least", "unsure", "use")
#: A Dice of the wall below this is poor.
_POOR = 0.8


@dataclass(frozen=True, eq=False)
class KnownCine:
    """A cine with known contours: `stack` [T, 1, H, W], `wall` and `cavity` bool [T, H, W]."""

    name: str
    stack: FrameStack
    wall: np.ndarray
    cavity: np.ndarray

    @property
    def grid(self) -> SliceGrid:
        return self.stack.slice_grid(0)

    @property
    def frames(self) -> np.ndarray:
        """[T, H, W]."""
        return self.stack.frames[:, 0]


@dataclass(frozen=True, eq=False)
class Measured:
    """The cells of a row, and confidence and Dice of the wall of each frame."""

    cells: list[str]
    confidence: np.ndarray
    wall: np.ndarray


def known_cine(name: str, frames: np.ndarray, grid: SliceGrid, wall: np.ndarray, cavity: np.ndarray) -> KnownCine:
    stack = FrameStack(name, np.asarray(frames, dtype=np.float32)[:, None], grid.ijk_to_lps)
    return KnownCine(name, stack, wall, cavity)


def real_cines(data: Path) -> Iterator[KnownCine]:
    """The series that are there."""
    for series in SERIES:
        labels_file = data / "cine_biv_me" / f"{series}_labels.nii.gz"
        if not labels_file.is_file():
            print(f"{series} is left out: {labels_file.name} is not there\n")
            continue
        (stack,) = read_short_axis_study([data / "cine_biv_me" / "dicom" / series]).slices
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(labels_file)))[:, 0]
        yield KnownCine(series, replace(stack, name=series), labels == MYOCARDIUM, labels == CAVITY)


def phantom_cines(subjects: int) -> Iterator[KnownCine]:
    """Simulated cines of `subjects` synthetic hearts, with exact contours."""
    phases = np.arange(PROTOCOL.frames) / PROTOCOL.frames
    for seed in range(SUBJECT, SUBJECT + subjects):
        for plane in sample_subject(seed).slices():
            if plane.name in PLANES:
                grid = cine_grid(plane, PROTOCOL, offset_mm=(4.0, -6.0))
                outline, xy = plane.contours(phases), plane.points_of(grid)
                pictures = cine_pictures(plane, grid, phases, PROTOCOL, seed=seed, scene=draw_scene(plane, seed))
                name = f"phantom {seed}, {plane.name}"
                yield known_cine(name, pictures, grid, outline.rasterise(xy), outline.cavity(xy))


def some_frames(cine: KnownCine, count: int) -> KnownCine:
    """`count` frames spread evenly over the cycle; all frames with 0."""
    total = len(cine.frames)
    chosen = np.arange(total) if not count else np.linspace(0, total, min(count, total), endpoint=False).astype(int)
    return known_cine(cine.name, cine.frames[chosen], cine.grid, cine.wall[chosen], cine.cavity[chosen])


def half_local_contrast(cine: KnownCine) -> KnownCine:
    """Halve the deviation from the mean over 20 mm. A scaling of all intensities would not change the input."""
    dx, dy = cine.grid.spacing_mm
    mean = ndimage.gaussian_filter(cine.frames, (0, 20 / dy, 20 / dx))
    return with_frames(cine, "local contrast × 0.5", mean + 0.5 * (cine.frames - mean))


def rician_noise(cine: KnownCine) -> KnownCine:
    """Add noise with a standard deviation of 8 % of the brightest tissue to both channels."""
    noise = np.random.default_rng(0).normal(0, 0.08 * np.percentile(cine.frames, 99.5), (2, *cine.frames.shape))
    return with_frames(cine, "Rician noise 8 %", np.hypot(cine.frames + noise[0], noise[1]))


def bias_field(cine: KnownCine) -> KnownCine:
    """Let the intensity fall to a third along the diagonal."""
    rows, columns = np.indices(cine.grid.shape) / np.reshape(np.array(cine.grid.shape) - 1, (2, 1, 1))
    return with_frames(cine, "bias field 3 : 1", cine.frames * 3.0 ** (-(rows + columns) / 2))


def moved_view(cine: KnownCine) -> KnownCine:
    """Rotate the field of view by 30° and shift it by 20 and −15 mm."""
    turn = np.deg2rad(30)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return on_grid(cine, "shifted and rotated", new_grid(cine.grid, 1.0, cine.grid.shape, rotation, (20.0, -15.0)))


def half_resolution(cine: KnownCine) -> KnownCine:
    height, width = cine.grid.shape
    return on_grid(cine, "half resolution", new_grid(cine.grid, 2.0, (height // 2, width // 2)))


def interpolated(cine: KnownCine) -> KnownCine:
    factor = 0.7 / cine.grid.spacing_mm[0]
    height, width = (round(side / factor) for side in cine.grid.shape)
    return on_grid(cine, "0.7 mm, interpolated", new_grid(cine.grid, factor, (height, width)))


def square_512(cine: KnownCine) -> KnownCine:
    """Interpolate to 512 × 512, the shorter side filled with zeros."""
    return on_grid(cine, "512 × 512", new_grid(cine.grid, max(cine.grid.shape) / 512, (512, 512)))


def tight_crop(cine: KnownCine) -> KnownCine:
    """Cut the field of view 10 mm outside the wall."""
    rows, columns = np.nonzero((cine.wall | cine.cavity).any(axis=0))
    margin = round(10 / cine.grid.spacing_mm[0])
    top, left = max(0, rows.min() - margin), max(0, columns.min() - margin)
    window = (slice(None), slice(top, rows.max() + margin + 1), slice(left, columns.max() + margin + 1))
    affine = cine.grid.ijk_to_lps.copy()
    affine[:3, 3] = cine.grid.pixel_to_lps([left, top])
    grid = SliceGrid(cine.frames[window].shape[1:], affine)
    return known_cine(f"{cine.name}, tight crop", cine.frames[window], grid, cine.wall[window], cine.cavity[window])


HARD: tuple[Callable[[KnownCine], KnownCine], ...] = (
    half_local_contrast,
    rician_noise,
    bias_field,
    moved_view,
    half_resolution,
    interpolated,
    square_512,
    tight_crop,
)


def with_frames(cine: KnownCine, what: str, frames: np.ndarray) -> KnownCine:
    return known_cine(f"{cine.name}, {what}", frames, cine.grid, cine.wall, cine.cavity)


def new_grid(
    grid: SliceGrid,
    factor: float,
    shape: tuple[int, int],
    rotation: np.ndarray | None = None,
    shift_mm: tuple[float, float] = (0.0, 0.0),
) -> SliceGrid:
    """A grid about the same middle with pixels `factor` times as large, rotated and shifted within the plane."""
    affine = grid.ijk_to_lps.copy()
    affine[:3, :2] = affine[:3, :2] @ (np.eye(2) if rotation is None else rotation) * factor
    middle = grid.center_lps + grid.vectors_to_lps(shift_mm)
    affine[:3, 3] = middle - affine[:3, :2] @ np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    return SliceGrid(shape, affine)


def on_grid(cine: KnownCine, what: str, grid: SliceGrid) -> KnownCine:
    """Resample images and contours linearly, after a blur if the new pixels are larger."""
    rows, columns = np.indices(grid.shape)
    points = cine.grid.lps_to_pixel(grid.pixel_to_lps(np.stack([columns, rows], axis=-1)))
    x, y = np.moveaxis(np.round(points, 6), -1, 0)  # rounding keeps border pixels inside the image
    ratio = grid.spacing_mm[0] / cine.grid.spacing_mm[0]
    sigma = 0.4 * ratio if ratio > 1.01 else 0.0

    def resampled(frames: np.ndarray) -> np.ndarray:
        blurred = ndimage.gaussian_filter(np.asarray(frames, dtype=np.float32), (0, sigma, sigma))
        return np.stack([ndimage.map_coordinates(frame, [y, x], order=1) for frame in blurred])

    wall, cavity = resampled(cine.wall) > 0.5, resampled(cine.cavity) > 0.5
    return known_cine(f"{cine.name}, {what}", resampled(cine.frames), grid, wall, cavity & ~wall)


def window_of(network: ContourNetwork, cine: KnownCine) -> NetworkGrid:
    x, y = cine.grid.lps_to_pixel(heart_center_lps([cine.stack]))
    description = network.description
    return network_grid(
        cine.grid.shape, cine.grid.spacing_mm, (float(x), float(y)), description.input_size, description.pixel_mm
    )


def probabilities_of(network: ContourNetwork, cine: KnownCine, kept: Path | None = None) -> np.ndarray:
    """Class probabilities [orientations, T, 4, h, w] in the network's window, float32.

    Args:
        network: the engine.
        cine: the cine.
        kept: folder with the probabilities of an earlier run, which are used and added to.
    """
    file = None if kept is None else kept / f"{re.sub('[^A-Za-z0-9.]+', '_', cine.name)}_{len(cine.frames)}.npz"
    if file is not None and file.is_file():
        return np.asarray(np.load(file)["probabilities"], dtype=np.float32)
    pictures = network_pictures(network, cine.frames, window_of(network, cine))
    upright = turn_to_upright(cine.grid)
    each = [
        network.probabilities(pictures, [(one,)] * len(pictures), upright)[0]
        for one in network.description.orientations
    ]
    found = np.stack(each)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, probabilities=found.astype(np.float16))
    return found


def combined(probabilities: np.ndarray, per_frame: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [T, 4, h, w] and agreement [T] with `per_frame` orientations, as `contour_slice` has them."""
    count, frames = probabilities.shape[:2]
    plan = orientation_plan(frames, [(k, False) for k in range(count)], per_frame)
    chosen = [probabilities[[k for k, _ in orientations], t] for t, orientations in enumerate(plan)]
    walls = [each.argmax(axis=1) == LABELS.index("myocardium") for each in chosen]
    agreement = [
        np.mean([dice(a, b) for i, a in enumerate(each) for b in each[i + 1 :]]) if len(each) > 1 else 1.0
        for each in walls
    ]
    return np.stack([each.mean(axis=0) for each in chosen]), np.array(agreement)


def measure(cine: KnownCine, window: NetworkGrid, probabilities: np.ndarray, per_frame: int) -> Measured:
    """Contours of one cine with `per_frame` orientations against the known ones."""
    averaged, agreement = combined(probabilities, per_frame)
    found = contours_of(averaged, agreement, window, cine.grid.shape, cine.grid.spacing_mm)
    confidence = found.confidence
    unsure = f"{int((confidence < UNSURE).sum())}"
    cells = [f"{confidence.mean():.2f}", f"{confidence.min():.2f}", unsure, found.verdict]
    wall = np.array([dice(a, b) for a, b in zip(found.myocardium, cine.wall, strict=True)])
    return Measured([*overlap(cine, found.myocardium, found.cavity), *cells], confidence, wall)


def measure_argmax(cine: KnownCine, window: NetworkGrid, probabilities: np.ndarray) -> list[str]:
    """The row of the most probable labels in the engine's first orientation."""
    labels = on_cine_pixels(probabilities[0].argmax(axis=1), window, cine.grid.shape)
    wall, cavity = (labels == LABELS.index(name) for name in ("myocardium", "cavity"))
    return [*overlap(cine, wall, cavity), "–", "–", "–", "–"]


def on_cine_pixels(labels: np.ndarray, window: NetworkGrid, shape: tuple[int, int]) -> np.ndarray:
    """Labels [T, h, w] of the network's window at the nearest pixels of the cine; 0 outside the window."""
    rows = np.rint((np.arange(shape[0]) - window.corner_xy[1]) / window.scale_xy[1]).astype(int)
    columns = np.rint((np.arange(shape[1]) - window.corner_xy[0]) / window.scale_xy[0]).astype(int)
    inside_rows = (rows >= 0) & (rows < window.shape[0])
    inside_columns = (columns >= 0) & (columns < window.shape[1])
    found = np.zeros((len(labels), *shape), dtype=labels.dtype)
    there, here = np.ix_(rows[inside_rows], columns[inside_columns]), np.ix_(inside_rows, inside_columns)
    for frame, known in zip(found, labels, strict=True):
        frame[here] = known[there]
    return found


def overlap(cine: KnownCine, wall: np.ndarray, cavity: np.ndarray) -> list[str]:
    """Mean and least Dice of wall and cavity, and the share of frames with a closed ring."""
    cells = []
    for found, known in ((wall, cine.wall), (cavity, cine.cavity)):
        each = [dice(a, b) for a, b in zip(found, known, strict=True)]
        cells += [f"{np.mean(each):.3f}", f"{np.min(each):.3f}"]
    closed = sum(is_closed_ring(frame) for frame in wall)
    return [*cells, f"{closed} of {len(wall)}"]


def cines(args: argparse.Namespace) -> Iterator[KnownCine]:
    """The cines to measure, one after the other, as the simulated ones take time and memory."""
    for cine in real_cines(args.data):
        yield some_frames(cine, args.frames)
        if args.hard:
            for variant in HARD:
                yield some_frames(variant(cine), args.frames)
    if args.phantom:
        for cine in phantom_cines(args.subjects):
            yield some_frames(cine, args.frames)


def print_confidence(name: str, measured: Sequence[Measured]) -> None:
    """How well the confidence of all frames of all cines separates those with a Dice of the wall below `_POOR`."""
    confidence = np.concatenate([each.confidence for each in measured])
    wall = np.concatenate([each.wall for each in measured])
    poor = wall < _POOR
    rank = spearmanr(confidence, wall).statistic
    print(f"\nsetting {name}: {len(wall)} frames, {poor.sum()} with a Dice below {_POOR}; rank correlation {rank:.2f}")
    if poor.any() and not poor.all():
        above = confidence[~poor][None, :] - confidence[poor][:, None]
        auc = float((above > 0).mean() + 0.5 * (above == 0).mean())
        unsure = confidence < UNSURE
        print(f"AUC {auc:.3f}; unsure: {(unsure & poor).sum()} of these, {(unsure & ~poor).sum()} of the others")


def timed(paths: Sequence[Path], out: Path, *options: str) -> tuple[float, float]:
    """Seconds and peak memory (GiB) of `lamod contour` in a new process."""
    code = (
        "import resource, sys; from LaMoDCore.cli import main; status = main(sys.argv[1:]); "
        "print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
    )
    words = ["contour", *map(str, paths), "--out", str(out), "--progress", "none", *options]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], check=True, capture_output=True, encoding="utf-8", cwd=ROOT
    )
    seconds = time.perf_counter() - began
    kib = int(done.stdout.split("peak ")[-1])
    return seconds, kib / 2**20


def print_timing(data: Path, counts: Sequence[int], engine: str, frames: int) -> None:
    """Time and memory of `lamod contour` from the start of the process, by the number of slices, on copies of Se3."""
    print(f"| slices × frames | default, s | peak, GiB | --fast, s | peak, GiB |\n|{' ---: |' * 5}")
    cine = some_frames(next(iter(real_cines(data))), frames)
    for count in counts:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "cine.seq.nrrd"
            affine = cine.grid.ijk_to_lps.copy()
            affine[:3, 2] = 8.0 * affine[:3, 2] / np.linalg.norm(affine[:3, 2])
            stack = np.repeat(cine.stack.frames, count, axis=1)
            write_seq_nrrd(path, stack, affine, np.arange(len(stack)) * 35.0, rr_ms=35.0 * len(stack))
            cells = []
            for options in ((), ("--fast",)):
                seconds, peak = timed([path], Path(folder) / f"out{len(options)}", "--engine", engine, *options)
                cells += [f"{seconds:.1f}", f"{peak:.2f}"]
        print_row(f"{count} × {len(stack)}", cells)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default=DEFAULT_ENGINE, help="name or folder of the contour engine")
    parser.add_argument("--settings", default="1,2", help="orientations per frame (default 1,2)")
    parser.add_argument("--frames", type=int, default=0, help="number of frames of each cine (default: all)")
    parser.add_argument("--threads", type=int, help="threads of the network (default: all cores)")
    parser.add_argument("--data", type=Path, default=REAL_DATA)
    parser.add_argument("--hard", action="store_true", help="also measure degraded copies of the real cines")
    parser.add_argument("--phantom", action="store_true", help="also measure simulated cines with exact contours")
    parser.add_argument("--subjects", type=int, default=2, help="number of synthetic hearts (default 2)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep and reuse the network's probabilities in DIR")
    parser.add_argument("--timing", metavar="SLICES", help="only time the command for these numbers, such as 1,3,10")
    args = parser.parse_args(words)
    if args.timing:
        print_timing(args.data, [int(word) for word in args.timing.split(",")], args.engine, args.frames)
        return
    network = ContourNetwork(find_engine(args.engine), args.threads)
    settings = [int(word) for word in args.settings.split(",")]
    measured: dict[int, list[Measured]] = {setting: [] for setting in settings}
    print(f"Engine {network.description.name}, SHA-256 {network.description.sha256[:16]}…\n")
    print(f"| cine | setting | {' | '.join(COLUMNS)} |\n| --- | --- |{' ---: |' * (len(COLUMNS) - 1)} --- |")
    for cine in cines(args):
        window, probabilities = window_of(network, cine), probabilities_of(network, cine, args.keep)
        print_row(cine.name, "argmax", measure_argmax(cine, window, probabilities))
        for setting in settings:
            measured[setting].append(measure(cine, window, probabilities, setting))
            print_row(cine.name, str(setting), measured[setting][-1].cells)
    for setting, each in measured.items():
        if each:
            print_confidence(str(setting), each)


def print_row(*cells: str | list[str]) -> None:
    flat = [cell for part in cells for cell in ([part] if isinstance(part, str) else part)]
    print(f"| {' | '.join(flat)} |", flush=True)


if __name__ == "__main__":
    main()
