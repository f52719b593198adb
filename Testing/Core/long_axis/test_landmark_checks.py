"""Landmarks that a person placed are checked against the contours."""

import json
from dataclasses import replace

import numpy as np
import pytest
from long_axis_files import FRAMES, guide_rows, traced, write_cine, write_guide_points, write_markups, write_masks
from long_axis_shapes import ANGLES, long_axis_grid

from LaMoDCore.heart.long_axis.checks import annulus_fault, apex_fault, landmark_jumps
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.runtime.errors import LaMoDInputError

CONTOURS = traced(0)
ENDO, EPI = CONTOURS.endo_mm, CONTOURS.epi_mm
ENDS = ENDO[[0, -1]]
TO_APEX = np.array([0.0, 1.0])


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    return write_masks(tmp_path_factory.mktemp("masks") / "wall.seq.nrrd")


@pytest.fixture(scope="module")
def view(masks):
    return load_long_axis([masks]).views[0]


def at(share):
    return ENDO[round(share * (len(ENDO) - 1))]


@pytest.mark.parametrize(
    ("points", "fault"),
    [
        (ENDS, ""),
        (ENDS[::-1] - 8 * TO_APEX, ""),
        (ENDS + np.array([[16.0, 0.0], [0.0, 0.0]]), ""),  # the septum ends at the aortic root
        (ENDS[[0, 0]] + [[0.0, 0.0], [0.0, 1.0]], "the same end"),
        (np.stack([ENDO[0], ENDO[12]]), "the same end"),
        (ENDS + 20 * TO_APEX, "inside the ventricle"),
        (np.stack([ENDS[0], at(0.5)]), "exchanged"),
    ],
)
def test_annulus_points_belong_to_both_ends_of_the_wall(points, fault):
    found = annulus_fault(ENDO, np.asarray(points))
    assert fault in found and bool(found) == bool(fault)


@pytest.mark.parametrize(
    ("apex", "fault"),
    [
        (at(0.5), ""),
        (at(0.46), ""),
        (EPI[len(EPI) // 2], ""),
        (at(0.33), "along the wall"),
        (at(0.02), "along the wall"),
        (0.65 * at(0.5) + 0.35 * ENDS[0], "from the contours"),
    ],
)
def test_the_apex_is_at_the_end_of_the_ventricle(apex, fault):
    found = apex_fault(ENDO, EPI, np.asarray(apex))
    assert fault in found and bool(found) == bool(fault)


def test_a_round_apex_may_be_placed_by_hand():
    """All points of a half-circle are as far from its middle; only far to one side is no apex."""
    angle = np.linspace(0, np.pi, 91)
    line = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert apex_fault(40 * line, 50 * line, 40 * line[36]) == ""
    assert "along the wall" in apex_fault(40 * line, 50 * line, 40 * line[20])


def test_points_that_jump_away_from_the_contour_are_noted(view):
    assert landmark_jumps(view) == []

    def moved(frames, mm):
        annulus = view.annulus_mm.copy()
        annulus[frames] += mm * TO_APEX
        return [each.frame for each in landmark_jumps(replace(view, annulus_mm=annulus))]

    assert moved([7], 12.0) == [7] and moved([0], -8.0) == [0]
    assert moved([3], 3.0) == moved(list(range(FRAMES)), -8.0) == []


def point_list(path, points):
    grid = long_axis_grid(ANGLES["four_chamber"])
    controls = [{"label": label, "position": grid.pixel_to_lps(np.asarray(p) / 1.5).tolist()} for label, p in points]
    path.write_text(json.dumps({"markups": [{"type": "Fiducial", "name": "points", "controlPoints": controls}]}))
    return path


def test_a_misplaced_apex_is_refused_in_every_format(tmp_path, masks):
    cine = write_cine(tmp_path / "cine.seq.nrrd")
    base = ENDO[2]
    given = point_list(tmp_path / "points.mrk.json", [("apex 0", base)])
    curves = write_markups(tmp_path / "curves.mrk.json", points={"apex": lambda c: c.endo_mm[[2]]})

    def with_apex(t, rows):
        lps = long_axis_grid(ANGLES["four_chamber"]).pixel_to_lps(base / 1.5)
        cells = guide_rows("four_chamber", t)[0].split("\t")
        return [*rows, "\t".join([*(f"{v:.5f}" for v in lps), "APEX_POINT", *cells[4:]])]

    folder = write_guide_points(tmp_path / "points", change=with_apex)
    for path, more in ((masks, {"landmarks": [given]}), (curves, {"cine": [cine]}), (folder, {"cine": [cine]})):
        with pytest.raises(LaMoDInputError, match=r"frame 0: the apex lies .* along the wall") as caught:
            load_long_axis([path], **more)
        assert "\n" not in str(caught.value)


def test_a_moved_annulus_at_end_diastole_is_noted(tmp_path, masks):
    given = [("annulus 0", ENDS[0] - 8 * TO_APEX), ("annulus 0", ENDS[1] - 8 * TO_APEX)]
    notes = load_long_axis([masks], landmarks=[point_list(tmp_path / "points.mrk.json", given)]).notes
    assert [(each.frame, each.severity) for each in notes if each.code == "long_axis_landmark_jump"] == [(0, "warning")]
