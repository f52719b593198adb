"""Long-axis masks that other programs write: pixel sizes, turned images, thick walls, other labels and file layouts."""

import numpy as np
import pytest
import SimpleITK as sitk
from long_axis_shapes import beat, long_axis_grid, true_length

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.io.long_axis.reader import load_long_axis

FRAMES = 8


def turned(spacing, degrees):
    """A grid in the plane of the four-chamber view, turned about its centre, which lies between pixels."""
    plane = long_axis_grid(30.0)
    x, y = plane.directions.T
    angle = np.radians(degrees)
    right, down = np.cos(angle) * x + np.sin(angle) * y, -np.sin(angle) * x + np.cos(angle) * y
    size = np.ceil(190.0 / np.array(spacing)).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([right * spacing[0], down * spacing[1], np.cross(right, down) * 8.0], axis=1)
    affine[:3, 3] = plane.center_lps - affine[:3, :2] @ ((size - 1) / 2 + [0.3, 0.2])
    return SliceGrid((int(size[1]), int(size[0])), affine)


def labelled(grid, shape, labels, thicker):
    """Masks of a half-ellipsoidal ventricle: wall, cavity, and a chamber next to its first wall."""
    radius, length, thickness, base, shift = shape
    plane = long_axis_grid(30.0)
    columns, rows = np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[0]))
    lps = grid.pixel_to_lps(np.stack([columns, rows], axis=-1))
    x, y = np.moveaxis((lps - plane.center_lps) @ plane.directions, -1, 0)
    y = y - shift
    inside = (x / radius) ** 2 + (y / length) ** 2 <= 1
    outside = (x / (radius + thicker * thickness)) ** 2 + (y / (length + thicker * thickness)) ** 2 <= 1
    chamber = ((x - radius - 30) / 24) ** 2 + (y / 45) ** 2 <= 1
    masks = np.zeros(grid.shape, np.uint8)
    for region, value in zip((chamber & ~outside, inside, outside & ~inside), reversed(labels), strict=True):
        masks[region & (y > -base)] = value
    return masks


def write(path, masks, grid, per_frame, dtype):
    volumes = []
    for frame in masks.astype(dtype):
        volume = sitk.GetImageFromArray(frame[None])
        step = [*grid.spacing_mm, 8.0]
        volume.SetSpacing(step)
        volume.SetOrigin(grid.ijk_to_lps[:3, 3].tolist())
        volume.SetDirection((grid.ijk_to_lps[:3, :3] / step).ravel().tolist())
        volumes.append(volume)
    if not per_frame:
        sitk.WriteImage(sitk.JoinSeries(volumes), str(path / "masks.nii.gz"))
        return path / "masks.nii.gz"
    for number, volume in enumerate(volumes):
        sitk.WriteImage(volume, str(path / f"frame{number:02d}.nrrd"))
    return path


@pytest.mark.parametrize(
    ("spacing", "degrees", "labels", "thicker", "per_frame", "dtype"),
    [
        ((0.9, 0.9), 0.0, (1, 0, 0), 1.0, False, np.uint8),
        ((2.0, 2.0), 23.0, (2, 1, 3), 1.0, False, np.uint8),
        ((1.2, 1.9), 118.0, (5, 2, 9), 1.0, False, np.int16),
        ((1.5, 1.5), 70.0, (1, 0, 0), 1.8, True, np.uint8),
        ((1.4, 1.4), 200.0, (3, 2, 1), 1.4, False, np.float32),
    ],
)
def test_strain_is_that_of_the_shape(tmp_path, spacing, degrees, labels, thicker, per_frame, dtype):
    grid, shapes = turned(spacing, degrees), beat(FRAMES)
    masks = np.stack([labelled(grid, shape, labels, thicker) for shape in shapes])
    (view,) = load_long_axis([write(tmp_path, masks, grid, per_frame, dtype)], rr_ms=900.0).views
    assert view.kind == "four_chamber" and view.frames == FRAMES
    lengths = length_mm(view.endo_mm)
    truth = np.array([true_length(radius, length, base) for radius, length, _, base, _ in shapes])
    assert lengths == pytest.approx(truth, rel=0.02)
    assert lengths / lengths[0] == pytest.approx(truth / truth[0], abs=0.02)
    outer = np.array([true_length(r + thicker * th, le + thicker * th, base) for r, le, th, base, _ in shapes])
    assert length_mm(view.epi_mm) == pytest.approx(outer, rel=0.03)
