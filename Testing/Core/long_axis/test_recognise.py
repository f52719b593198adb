from dataclasses import replace

import numpy as np
import pytest
from long_axis_files import write_masks
from long_axis_shapes import ANGLES, CENTER_LPS, long_axis_grid

from LaMoDCore.function.biplane import best_pair
from LaMoDCore.heart.geometry import BASE_TO_APEX_LPS
from LaMoDCore.heart.long_axis.recognise import heart_frame, kind_in_name, recognised, wall_angle_degrees
from LaMoDCore.heart.pose import RIGHT_VENTRICLE_LPS
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.prediction.long_axis import long_axis_numbers
from LaMoDCore.runtime.errors import LaMoDInputError


@pytest.fixture(scope="module")
def at_angle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("angles")

    def read(*angles, insertion=None):
        paths = []
        for n, angle in enumerate(angles):
            path = folder / f"view{n}at{angle}.seq.nrrd"
            paths.append(path if path.exists() else write_masks(path, grid=long_axis_grid(angle)))
        return load_long_axis(paths, rv_insertion_lps=insertion)

    return read


def insertion_at(degrees):
    """A point on the epicardium at this angle from the usual middle of the septum, seen from the apex."""
    axis = BASE_TO_APEX_LPS
    septum = RIGHT_VENTRICLE_LPS - (RIGHT_VENTRICLE_LPS @ axis) * axis
    septum /= np.linalg.norm(septum)
    angle = np.radians(degrees)
    return CENTER_LPS + 30 * (np.cos(angle) * septum + np.sin(angle) * np.cross(axis, septum)) + 20 * axis


def kinds(case):
    return [view.kind for view in case.views]


def test_angles_are_counted_from_the_septum_counter_clockwise_seen_from_the_apex(at_angle):
    for degrees in (30.0, 90.0, -30.0):
        view = at_angle(degrees).views[0]
        # the plane of the shapes runs towards this angle; walls are put in order afterwards
        assert wall_angle_degrees(view, 0, heart_frame([view], [0])) == pytest.approx(degrees, abs=4.0)


@pytest.mark.parametrize("turn", [-18, 0, 18])
def test_three_views_are_recognised_if_the_heart_is_turned(at_angle, turn):
    assert kinds(at_angle(*(angle + turn for angle in ANGLES.values()))) == list(ANGLES)


@pytest.mark.parametrize("angles", [(15.0, -43.0), (20.0, -39.0)])
def test_two_views_of_a_real_study(at_angle, angles):
    assert kinds(at_angle(*angles)) == ["four_chamber", "three_chamber"]


def test_insertion_point_turns_the_expected_angles(at_angle):
    assert kinds(at_angle(60.0 + 5)) == ["two_chamber"]
    insertion = insertion_at(-45.0 + 30.0)  # the septum lies 30° farther
    assert kinds(at_angle(60.0 + 5, insertion=insertion)) == ["four_chamber"]


def test_an_assignment_that_is_nearly_as_good_is_a_warning(at_angle):
    severity = {n.code: n.severity for n in at_angle(0.0).notes}
    assert severity["long_axis_views_recognised"] == "warning"
    severity = {n.code: n.severity for n in at_angle(30.0, 90.0, -30.0).notes}
    assert severity["long_axis_views_recognised"] == "info"


def test_given_views_are_kept_and_the_others_take_what_is_left(at_angle):
    views = at_angle(30.0, 2.0).views
    named = [replace(views[0], kind="two_chamber"), replace(views[1], kind=None)]
    found, notes = recognised(named, [0, 0], heart_frame(named, [0, 0]))
    assert [view.kind for view in found] == ["two_chamber", "four_chamber"]
    assert {n.code: n.severity for n in notes}["long_axis_view_contradicted"] == "warning"
    text = next(n.text for n in notes if n.code == "long_axis_views_recognised")
    assert "four-chamber" in text and "two-chamber" not in text


@pytest.mark.parametrize(("away", "contradicted"), [(40.0, False), (50.0, True), (180.0, False)])
def test_a_name_that_contradicts_the_plane_is_noted(at_angle, away, contradicted):
    view = at_angle(90.0).views[0]
    heart = heart_frame([view], [0])
    angle = np.radians(away)
    septum = np.cos(angle) * heart.to_septum + np.sin(angle) * np.cross(heart.to_apex, heart.to_septum)
    notes = recognised([view], [0], replace(heart, to_septum=septum))[1]
    assert [n.code for n in notes] == ["long_axis_view_contradicted"] * contradicted


def test_many_views_without_a_name(at_angle):
    views = [replace(each, kind=None) for each in at_angle(*ANGLES.values()).views] * 4
    found, _ = recognised(views, [0] * 12, heart_frame(views, [0] * 12))
    assert [each.kind for each in found] == [*ANGLES] * 4


@pytest.mark.parametrize("angles", [(30.0, 33.0), (30.0, 50.0), (33.0, 90.0, 30.0, 28.0)])
def test_slices_in_nearly_the_same_plane_are_one_view(at_angle, angles):
    """They give neither biplane volumes nor other walls, and their interval is not narrower."""
    case, one = at_angle(*angles), at_angle(*angles[:2] if len(angles) > 2 else angles[:1])
    near = [each == "four_chamber" for each in kinds(case)]
    assert near == [angle != 90.0 for angle in angles]
    assert [n.severity for n in case.notes if n.code == "long_axis_view_repeated"] == ["warning"]
    found, expected = long_axis_numbers(case.views), long_axis_numbers(one.views)
    assert found["volumes"]["method"] == expected["volumes"]["method"]
    assert [v is None for v in found["bullseye"]] == [v is None for v in expected["bullseye"]]
    assert found["bullseye"][13] == pytest.approx(expected["bullseye"][13], abs=1e-3)
    width = np.ptp(found["gls"]["interval"]["mid_wall"])
    assert width == pytest.approx(np.ptp(expected["gls"]["interval"]["mid_wall"]), rel=0.01)


def test_different_names_for_one_plane_are_refused(tmp_path):
    near = [write_masks(tmp_path / f"{n}.seq.nrrd", grid=long_axis_grid(angle)) for n, angle in ((1, 30.0), (2, 33.0))]
    with pytest.raises(LaMoDInputError, match=r"two-chamber and 1 four-chamber, but their planes are 3° apart"):
        load_long_axis(near, views="4ch,2ch")
    alike = load_long_axis(near, views="4ch,4ch")
    assert "long_axis_view_repeated" in [n.code for n in alike.notes]


def test_discs_of_two_planes_need_an_angle_between_them(at_angle):
    four, two = (replace(view, kind=kind) for view, kind in zip(at_angle(30.0, 60.0).views, ANGLES, strict=False))
    assert len(best_pair([four, two])) == 1
    assert best_pair([replace(four, located=False), two]) == (0, 1)  # the names are trusted


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cine_4ch_bh", "four_chamber"),
        ("CINE SSFP 2CV", "two_chamber"),
        ("LAX 3CH", "three_chamber"),
        ("three chamber", "three_chamber"),
        ("lvot", "three_chamber"),
        ("sa_stack", None),
        ("2ch_and_4ch", None),
        ("series 24", None),
        ("lax2", None),
        ("carla2", None),
        ("12ch", None),
    ],
)
def test_names(name, kind):
    assert kind_in_name(name) == kind
