import numpy as np
import pytest

from LaMoDCore.heart.long_axis.mid_wall import lines_mm, mid_wall_mm
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.phantom import draw_annotator, sample_subject
from LaMoDCore.phantom.heart.long_axis.cut import LongAxisCut
from LaMoDCore.phantom.heart.long_axis.ventricle import Ventricle
from LaMoDCore.phantom.imaging.long_axis_reader import LongAxisStyle, drawn_view, exact_contours, exact_lines_mm


def ventricle(disease, seed=2, phases=None):
    subject = sample_subject(seed, disease)
    return Ventricle(subject, np.array([0.0, subject.timing.end_systole]) if phases is None else phases)


def four_chamber(heart):
    insertion = heart.subject.slice_parameters[1].shape.insertion_angle
    return LongAxisCut(heart, insertion + np.radians(90.0))


@pytest.fixture(scope="module")
def healthy():
    cut = four_chamber(ventricle("healthy"))
    return cut, exact_contours(cut)


@pytest.mark.parametrize("disease", ["healthy", "infarct"])
def test_motion_across_the_axis_is_that_of_the_slices(disease):
    heart = ventricle(disease, phases=np.array([0.0, 0.15, 0.4, 0.7]))
    theta = np.linspace(0, 6, 7)
    for plane in heart.subject.slices():
        shape = plane.parameters.shape
        for depth in (0.0, 0.4, 1.0):
            start = (shape.endo(theta) + depth * (shape.epi(theta) - shape.endo(theta))) * np.exp(1j * theta)
            moved = plane.displacement_mm(heart.phases, np.stack([start.real, -start.imag], -1))
            expected = start + moved[..., 0] - 1j * moved[..., 1]
            found = heart.surface(np.full(theta.size, plane.parameters.place), theta, depth).across
            assert found == pytest.approx(expected, abs=1e-9)


def test_longitudinal_stretch_keeps_the_volume_of_the_subject():
    heart = ventricle("healthy")
    plane = heart.subject.slices()[1]
    place, step, theta = plane.parameters.place, 0.01, np.linspace(0, 6, 13)
    heights = [heart.height_mm(1, np.full(13, place + side * step), theta) for side in (-1, 1)]
    stretch = (heights[0] - heights[1]) / (2 * step * heart.length_mm)
    area = np.exp(plane.wall_state(heart.phases).log_area(theta)[1])
    assert stretch * area == pytest.approx(heart.subject.volume_ratio, abs=0.005)


@pytest.mark.parametrize("disease", ["dcm", "hcm", "infarct"])
def test_exact_contours_give_the_strain_of_the_tissue(disease):
    cut = four_chamber(ventricle(disease))
    view = drawn_view(cut, exact_contours(cut))
    for line, reference in zip(lines_mm(view).values(), exact_lines_mm(view, cut), strict=True):
        lengths = length_mm(line)
        assert lengths[1] / lengths[0] - 1 == pytest.approx(cut.material_strain(reference)[1], abs=0.005)


def test_a_line_half_way_at_end_systole_is_not_the_tissue_of_the_mid_wall():
    cut = four_chamber(ventricle("hcm"))
    view = drawn_view(cut, exact_contours(cut))
    half = length_mm(0.5 * (view.endo_mm + view.epi_mm))
    true = cut.material_strain(exact_lines_mm(view, cut)[1])[1]
    kept = length_mm(mid_wall_mm(view))
    assert abs(half[1] / half[0] - 1 - true) > abs(kept[1] / kept[0] - 1 - true) + 0.001


def test_readers(healthy):
    cut, contours = healthy
    exact = drawn_view(cut, contours)
    annotator = draw_annotator(np.random.default_rng(1))
    style = LongAxisStyle(annotator)
    first, again = (drawn_view(cut, contours, style, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.endo_mm, again.endo_mm)
    apart = np.linalg.norm(first.endo_mm - exact.endo_mm, axis=-1).mean()
    assert 0.4 < apart < 4.0
    layered = drawn_view(cut, contours, LongAxisStyle(annotator, trabeculae_mm=2.0), np.random.default_rng(3))
    plain = [length_mm(view.endo_mm) for view in (first, layered)]
    assert plain[1][0] > plain[0][0] + 3.0
    assert plain[1][1] == pytest.approx(plain[0][1], abs=1e-6)


def test_plane_of_the_grid_contains_the_axis_in_the_patient(healthy):
    cut, contours = healthy
    grid = cut.grid()
    heart = cut.ventricle.subject
    for plane in heart.slices():
        assert abs(float(grid.distance_mm(plane.parameters.center_lps))) < 1e-6
    view = drawn_view(cut, contours)
    base, apex = view.axis_lps(0)
    direction = (apex - base) / np.linalg.norm(apex - base)
    assert direction @ heart.axis_lps < -0.97
    assert np.linalg.norm(apex - base) == pytest.approx(cut.ventricle.length_mm, rel=0.05)


def test_a_plane_beside_the_axis_shows_a_shorter_ventricle():
    heart = ventricle("healthy")
    lengths = [LongAxisCut(heart, 1.0, shift).contours_mm(0, 0.0)[:, 1].max() for shift in (0.0, 12.0)]
    assert lengths[1] < lengths[0] - 5.0
