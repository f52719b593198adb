import numpy as np
import pytest
from long_axis_shapes import SPACING, beat, beating_walls, cavity_of, true_length, wall
from scipy import ndimage

from LaMoDCore.heart.long_axis.open_curve import length_mm, smoothed, through
from LaMoDCore.heart.long_axis.outline import OutlineError, PiecesError, outline_of
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS, wall_lines


def test_lengths_of_both_contours_are_those_of_the_ellipses():
    for r, le, th, base, shift in beat(6)[:4]:
        lines = outline_of(wall(r, le, th, base, shift=shift), (SPACING, SPACING))
        assert length_mm(smoothed(lines.endo_mm)) == pytest.approx(true_length(r, le, base), rel=0.015)
        assert length_mm(smoothed(lines.epi_mm)) == pytest.approx(true_length(r + th, le + th, base), rel=0.015)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("flip", [False, True])
def test_orientation_in_the_image_does_not_matter(turn, flip):
    mask = np.rot90(wall(22, 60, 9), turn)
    lines = outline_of(mask[:, ::-1] if flip else mask, (SPACING, SPACING))
    assert length_mm(smoothed(lines.endo_mm)) == pytest.approx(true_length(22, 60), rel=0.015)


def test_apex_divides_the_line_and_the_ends_are_at_the_base():
    r, le, th, base, _ = beat()[0]
    traced = outline_of(wall(r, le, th, base), (SPACING, SPACING))
    lines = wall_lines(traced.endo_mm, traced.epi_mm)
    middle = (112 - 1) / 2 * SPACING
    apex, ends = lines.endo_mm[INTERVALS], lines.endo_mm[[0, -1]]
    assert apex == pytest.approx([middle, middle + le], abs=2.0)
    assert ends[:, 1] == pytest.approx([middle - base] * 2, abs=1.5)
    assert lines.annulus_mm == pytest.approx(ends)


def test_a_speck_and_a_hole_in_the_wall_do_not_matter():
    clean = wall(22, 60, 9)
    mask = clean.copy()
    rows, columns = np.nonzero(ndimage.binary_erosion(clean, iterations=2))
    mask[rows[0], columns[0]] = False
    mask[2:4, 2:4] = True
    one, other = (outline_of(each, (SPACING, SPACING)) for each in (clean, mask))
    assert np.array_equal(one.endo_mm, other.endo_mm)


ROWS, COLUMNS = np.mgrid[:112, :112]
LEFT = COLUMNS < 56


@pytest.mark.parametrize("rows", [slice(48, 50), slice(48, 51), slice(80, 83)])
def test_a_small_gap_in_the_wall_is_closed(rows):
    clean = wall(22, 60, 9)
    cut = clean.copy()
    cut[rows] &= ~LEFT[rows]
    one, other = (outline_of(each, (SPACING, SPACING)) for each in (clean, cut))
    assert length_mm(other.endo_mm) == pytest.approx(length_mm(one.endo_mm), rel=0.01)
    assert length_mm(other.epi_mm) == pytest.approx(length_mm(one.epi_mm), rel=0.01)


def test_separate_pieces_are_refused():
    """A part of the wall beyond a wide gap, and a papillary muscle next to the wall or away from it."""
    cut = wall(22, 60, 9)
    cut[48:56] &= ~LEFT[48:56]
    with pytest.raises(PiecesError, match=r"in 2 separate pieces, of .* pixels"):
        outline_of(cut, (SPACING, SPACING))
    for distance in (7.0, 15.0):
        y, x = ROWS - 75, COLUMNS - 41 - (distance + 4) / SPACING
        with pytest.raises(PiecesError):
            outline_of(wall(22, 60, 9) | (np.hypot(x, y) < 2.7), (SPACING, SPACING))


def test_shapes_that_are_no_open_wall_are_refused():
    ring = wall(24, 30, 9, base=100.0)
    with pytest.raises(OutlineError, match="closed ring"):
        outline_of(ring, (SPACING, SPACING))
    with pytest.raises(OutlineError, match="U-shaped"):
        outline_of(cavity_of(24, 60), (SPACING, SPACING))
    with pytest.raises(OutlineError, match="U-shaped"):  # one wall alone
        half = wall(24, 60, 9)
        half[:, 56:] = False
        outline_of(half, (SPACING, SPACING))
    with pytest.raises(OutlineError, match="no myocardium"):
        outline_of(np.zeros((40, 40), dtype=bool), (SPACING, SPACING))


def test_shortening_of_masks_follows_the_shape_over_the_beat():
    lengths = []
    for mask in beating_walls():
        traced = outline_of(mask, (SPACING, SPACING))
        lengths.append(float(length_mm(wall_lines(traced.endo_mm, traced.epi_mm).endo_mm)))
    truth = np.array([true_length(r, le, base) for r, le, _, base, _ in beat()])
    assert np.array(lengths) / lengths[0] == pytest.approx(truth / truth[0], abs=0.015)


def test_smoothing_removes_pixel_steps_and_keeps_the_ends():
    angle = np.linspace(0, np.pi, 400)
    steps = np.rint(np.stack([25 * np.cos(angle), 25 * np.sin(angle)], axis=1))
    assert length_mm(steps) > 1.1 * np.pi * 25
    line = smoothed(steps)
    assert length_mm(line) == pytest.approx(np.pi * 25, rel=0.01)
    assert np.abs(line[[0, -1]] - steps[[0, -1]]).max() < 1.0


def test_curve_through_control_points_is_longer_than_their_polygon():
    angle = np.linspace(0, np.pi, 7)
    points = np.stack([25 * np.cos(angle), 25 * np.sin(angle)], axis=1)
    assert length_mm(points) < 0.99 * np.pi * 25
    assert length_mm(through(points)) == pytest.approx(np.pi * 25, rel=0.005)


@pytest.mark.parametrize("turn", range(4))
def test_a_wedge_with_thick_walls_keeps_its_contours_apart(turn):
    """The endocardium with both ends of the wall is longer than the epicardium without them."""
    y, x = (np.mgrid[:120, :120] - 60.0) * SPACING

    def inside(half_width, apex):
        return np.abs(x) < half_width * np.clip((apex - y) / (apex + 60), 0, None) ** 0.8

    mask = inside(36, 52) & ~inside(22, 48) & (y > -60)
    traced = outline_of(np.rot90(mask, turn), (SPACING, SPACING))
    extents = [np.ptp(line, axis=0).min() for line in (traced.endo_mm, traced.epi_mm)]
    assert extents[0] == pytest.approx(44, abs=3) and extents[1] == pytest.approx(72, abs=3)


def test_ends_thinner_than_a_pixel_is_long_are_refused():
    mask = wall(22, 60, 9)[::4]
    top = int(np.flatnonzero(mask.any(axis=1))[0])
    columns = np.flatnonzero(mask[top])
    mask[top - 4 : top, [columns[0], columns[-1]]] = True  # one pixel of 1.5 × 6 mm wide
    with pytest.raises(OutlineError, match="the ends of the wall cannot be found"):
        outline_of(mask, (SPACING, 4 * SPACING))
