"""Longitudinal strain from masks of other programs' kinds against the exact contours, on synthetic ventricles.

    python -m experiments.phantoms.long_axis_masks [--seed N] [--frames N] [--time]

One subject per disease is cut by a four-, a two- and a three-chamber plane. The exact contours are filled on pixel
grids (Matplotlib's point-in-polygon test) and written with SimpleITK, which share no code with the library's writers:
other pixel sizes, pixels that are not square, images turned in their plane, thick walls, other labels in other orders,
one file per frame, floating-point values. Each file is read as `lamod predict --long-axis` does. Percentage points,
systolic peak of each view, mean and largest |difference| from the exact contours. With --time, only the time of one
view is measured, from its file to its numbers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from matplotlib.path import Path as Polygon

from experiments.phantoms.long_axis import cuts_of
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.long_axis.view import LINE_NAMES
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.phantom import DISEASES
from LaMoDCore.phantom.heart.long_axis.cut import LongAxisCut
from LaMoDCore.phantom.imaging.long_axis_reader import drawn_view, exact_contours
from LaMoDCore.prediction.long_axis import long_axis_numbers
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain.long_axis.summary import long_axis_summary


@dataclass(frozen=True)
class Kind:
    """How a program stores masks.

    Attributes:
        spacing_mm: (dx, dy) of the pixels.
        turn_degrees: of the image in its plane.
        thicker: share of the wall's thickness that is added outside.
        labels: value of wall, cavity and a chamber next to it; 0 if it is not drawn.
        per_frame: whether every frame is a file of its own.
        floating: whether the values are floating-point numbers.
    """

    spacing_mm: tuple[float, float] = (1.4, 1.4)
    turn_degrees: float = 0.0
    thicker: float = 0.0
    labels: tuple[int, int, int] = (1, 0, 0)
    per_frame: bool = False
    floating: bool = field(default=False, kw_only=True)


KINDS = {
    "1.4 mm": Kind(),
    "0.8 mm": Kind((0.8, 0.8)),
    "2.0 mm": Kind((2.0, 2.0)),
    "1.2 × 1.9 mm": Kind((1.2, 1.9)),
    "turned by 23°": Kind(turn_degrees=23.0),
    "turned by 118°": Kind((1.6, 1.6), 118.0),
    "walls 60 % thicker": Kind(thicker=0.6),
    "cavity 1, wall 2, chamber 3": Kind(labels=(2, 1, 3)),
    "wall 5, cavity 2, chamber 9": Kind(labels=(5, 2, 9)),
    "one file per frame": Kind((1.5, 1.5), 40.0, per_frame=True),
    "floating-point values": Kind((1.1, 1.1), 70.0, labels=(2, 1, 0), floating=True),
}


def turned_grid(grid: SliceGrid, kind: Kind) -> SliceGrid:
    """The grid of a kind in the plane of another grid and around its centre."""
    angle = np.radians(kind.turn_degrees)
    x, y = grid.directions.T
    right, down = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    size = np.ceil(max(grid.shape) * grid.spacing_mm[0] / np.array(kind.spacing_mm)).astype(int)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = right * kind.spacing_mm[0], down * kind.spacing_mm[1]
    affine[:3, 2] = np.cross(right, down) * 8.0
    affine[:3, 3] = grid.center_lps - affine[:3, :2] @ ((size - 1) / 2 + [0.3, 0.2])
    return SliceGrid((int(size[1]), int(size[0])), affine)


def filled(polygon_lps: Array, grid: SliceGrid) -> Array:
    """bool [H, W]: pixels whose centre lies in a polygon [N, 3]."""
    x, y = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[0]))
    inside = Polygon(grid.lps_to_pixel(polygon_lps)).contains_points(np.stack([x.ravel(), y.ravel()], axis=1))
    return np.asarray(inside.reshape(grid.shape))


def labelled(cut: LongAxisCut, endo: Array, epi: Array, grid: SliceGrid, kind: Kind) -> Array:
    """Masks [H, W] of one frame."""
    own = cut.grid()

    def lps(points: Array) -> Array:
        return own.pixel_to_lps(cut.in_grid_mm(points, own) / np.array(own.spacing_mm))

    outer = epi + kind.thicker * (epi - endo)
    wall = filled(np.concatenate([lps(endo), lps(outer[::-1])]), grid)
    cavity = filled(lps(endo), grid) & ~wall
    chamber = filled(lps(1.02 * outer[:90] + [[22.0, 0.0]]), grid) & ~wall & ~cavity
    masks = np.zeros(grid.shape, np.uint8)
    for region, value in zip((chamber, cavity, wall), reversed(kind.labels), strict=True):
        if value:
            masks[region] = value
    return masks


def write(path: Path, masks: Array, grid: SliceGrid, kind: Kind) -> Path:
    """Write masks [T, H, W] with SimpleITK; returns the file, or the folder of one file per frame."""
    values = masks.astype(np.float32) if kind.floating else masks
    step = [*kind.spacing_mm, 8.0]
    directions = np.asarray(grid.ijk_to_lps[:3, :3] / step)
    volumes = []
    for frame in values:
        volume = sitk.GetImageFromArray(frame[None])
        volume.SetSpacing(step)
        volume.SetOrigin(grid.ijk_to_lps[:3, 3].tolist())
        volume.SetDirection(directions.ravel().tolist())
        volumes.append(volume)
    if not kind.per_frame:
        sitk.WriteImage(sitk.JoinSeries(volumes), str(path.with_suffix(".nii.gz")))
        return path.with_suffix(".nii.gz")
    path.mkdir()
    for number, volume in enumerate(volumes):
        sitk.WriteImage(volume, str(path / f"frame{number:02d}.nrrd"))
    return path


def peaks(views: object) -> Array:
    """[3]: systolic peak of each line."""
    gls = long_axis_summary(views)["gls"]  # type: ignore[arg-type]
    return np.array([gls[name] for name in LINE_NAMES])


def differences(kind: Kind, hearts: list[tuple[LongAxisCut, Array, Array]]) -> Iterator[tuple[Array, str]]:
    """Difference [3] of the peaks of each view from the exact contours, or why it was refused."""
    for cut, endo, epi in hearts:
        grid = turned_grid(cut.grid(), kind)
        masks = np.stack([labelled(cut, *lines, grid, kind) for lines in zip(endo, epi, strict=True)])
        exact = drawn_view(cut, (endo, epi + kind.thicker * (epi - endo)))
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder) / "masks", masks, grid, kind)
            try:
                views = load_long_axis([path], rr_ms=float(exact.rr_ms)).views
            except LaMoDInputError as error:
                yield np.full(3, np.nan), error.reason
                continue
        yield peaks(views) - peaks([exact]), ""


def measure_time(heart: tuple[LongAxisCut, Array, Array], repeats: int = 5) -> None:
    """Print the time from a file of masks to the numbers of one view, after the imports and a first file."""
    cut, endo, epi = heart
    grid = turned_grid(cut.grid(), KINDS["1.4 mm"])
    masks = np.stack([labelled(cut, *lines, grid, KINDS["1.4 mm"]) for lines in zip(endo, epi, strict=True)])
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "masks", masks, grid, KINDS["1.4 mm"])
        wall, processor = [], []
        for _ in range(repeats + 1):
            began, busy = time.perf_counter(), time.process_time()
            long_axis_numbers(load_long_axis([path], rr_ms=900.0).views)
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - busy)
    print(f"one view of {len(masks)} frames: {min(wall[1:]):.2f} to {max(wall[1:]):.2f} s, "
          f"{np.median(processor[1:]):.2f} s of processor time; the first one {wall[0]:.2f} s")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=300)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--time", action="store_true", help="measure the time of one view")
    args = parser.parse_args()
    if args.time:
        cut = cuts_of(args.seed, DISEASES[0], args.frames)[0]
        measure_time((cut, *exact_contours(cut)))
        return
    hearts = []
    for number, disease in enumerate(DISEASES):
        for cut in cuts_of(args.seed + number, disease, args.frames):
            hearts.append((cut, *exact_contours(cut)))
    print(f"{len(hearts)} views")
    print("| masks | endocardial | mid-wall | epicardial | refused |\n| --- | --- | --- | --- | --- |")
    for name, kind in KINDS.items():
        found = list(differences(kind, hearts))
        off = 100 * np.abs(np.stack([difference for difference, _reason in found]))
        known = off[np.isfinite(off).all(axis=1)]
        cells = [f"{known[:, k].mean():.1f} (at most {known[:, k].max():.1f})" for k in range(3)]
        reasons = sorted({reason for _difference, reason in found if reason})
        refused = f"{len(off) - len(known)}{': ' if reasons else ''}{'; '.join(reasons)}"
        print(f"| {name} | {' | '.join(cells)} | {refused} |", flush=True)


if __name__ == "__main__":
    main()
