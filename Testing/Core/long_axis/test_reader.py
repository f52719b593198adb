import json

import numpy as np
import pytest
from long_axis_files import (
    FRAMES,
    guide_rows,
    write_cine,
    write_guide_points,
    write_markups,
    write_masks,
)
from long_axis_shapes import ANGLES, SIZE, beat, beating_walls, cavity_of, long_axis_grid, true_length, wall

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.io.long_axis.reader import load_long_axis, parse_views
from LaMoDCore.runtime.errors import LaMoDInputError

TRUTH = np.array([true_length(r, le, base) for r, le, _, base, _ in beat(FRAMES)])


@pytest.fixture(scope="module")
def cine(tmp_path_factory):
    return write_cine(tmp_path_factory.mktemp("cine") / "lax_cine.seq.nrrd")


def strain_of(view):
    lengths = length_mm(view.endo_mm)
    return lengths / lengths[0] - 1


def codes(case):
    return [each.code for each in case.notes]


def test_masks_of_three_views_are_recognised_in_any_order(tmp_path):
    paths = [write_masks(tmp_path / f"m{n}.seq.nrrd", kind) for n, kind in enumerate(("three_chamber", *ANGLES)[:3])]
    case = load_long_axis(paths)
    assert [view.kind for view in case.views] == ["three_chamber", "four_chamber", "two_chamber"]
    assert "long_axis_views_recognised" in codes(case)
    for view in case.views:
        assert strain_of(view) == pytest.approx(TRUTH / TRUTH[0] - 1, abs=0.015)


def test_walls_have_the_same_order_if_the_image_is_mirrored(tmp_path):
    grid = long_axis_grid(ANGLES["four_chamber"])
    mirrored = grid.ijk_to_lps.copy()
    mirrored[:3, 3] += (SIZE - 1) * mirrored[:3, 0]
    mirrored[:3, 0] *= -1
    walls = beating_walls(FRAMES)
    walls[:, :, SIZE // 2 + 5 :] = np.roll(walls, 1, axis=1)[:, :, SIZE // 2 + 5 :]  # one wall is longer
    one = load_long_axis([write_masks(tmp_path / "a.seq.nrrd", labels=walls.astype(np.uint8))]).views[0]
    other_grid = SliceGrid((SIZE, SIZE), mirrored)
    flipped = walls[:, :, ::-1].astype(np.uint8)
    other = load_long_axis([write_masks(tmp_path / "b.seq.nrrd", labels=flipped, grid=other_grid)]).views[0]
    assert other.walls == one.walls == ("inferoseptal", "anterolateral")
    assert other.lps(other.endo_mm) == pytest.approx(one.lps(one.endo_mm), abs=0.5)


def test_names_of_views_take_precedence_over_their_position(tmp_path):
    named = write_masks(tmp_path / "cine_2ch.seq.nrrd", "four_chamber")
    assert load_long_axis([named]).views[0].kind == "two_chamber"
    assert load_long_axis([named], views="3ch").views[0].kind == "three_chamber"
    assert parse_views("four_chamber, LAX 2CH") == ("four_chamber", "two_chamber")
    with pytest.raises(LaMoDInputError, match="'5ch' is no view"):
        parse_views("5ch")
    with pytest.raises(LaMoDInputError, match=r"2 view\(s\) for 1"):
        load_long_axis([named], views="2ch,3ch")


def test_the_wall_is_found_by_shape_among_labels(tmp_path):
    walls = beating_walls(FRAMES)
    pools = np.stack([cavity_of(r, le, b, shift=s) for r, le, _, b, s in beat(FRAMES)])
    labels = np.where(walls, 3, np.where(pools, 1, 0)).astype(np.uint8)
    path = write_masks(tmp_path / "labels.seq.nrrd", labels=labels)
    case = load_long_axis([path])
    assert "long_axis_labels_by_shape" in codes(case) and "labels_by_shape" not in codes(case)
    assert strain_of(case.views[0]) == pytest.approx(TRUTH / TRUTH[0] - 1, abs=0.015)
    with pytest.raises(LaMoDInputError, match="frame 0: the myocardium is not a U-shaped wall"):
        load_long_axis([path], labels="myo=1")


@pytest.mark.parametrize("column", [None, 1])
def test_guide_points_in_no_order(tmp_path, cine, column):
    folder = write_guide_points(tmp_path / "points", column=column)
    view = load_long_axis([folder], cine=[cine]).views[0]
    assert view.frames == FRAMES
    assert strain_of(view) == pytest.approx(TRUTH / TRUTH[0] - 1, abs=0.02)


def test_pieces_at_the_valve_are_no_wall(tmp_path, cine):
    grid = long_axis_grid(ANGLES["four_chamber"])

    def with_root(t, rows):
        """The first annulus point and a few endocardial points beyond a gap of 22 mm: the aortic root."""
        valve = [k for k, row in enumerate(rows) if "MITRAL" in row]
        first = np.array([float(v) for v in rows[valve[0]].split("\t")[:3]])
        other = np.array([float(v) for v in rows[valve[1]].split("\t")[:3]])
        inward = (other - first) / np.linalg.norm(other - first)
        moved = first + 22 * inward - 3 * grid.directions[:, 1]
        tail = rows[valve[0]].split("\t")[4:]
        rows[valve[0]] = "\t".join([*(f"{v:.5f}" for v in moved), "MITRAL_VALVE", *tail])
        return [*rows, "\t".join([*(f"{v:.5f}" for v in moved - inward), "LAX_LV_ENDOCARDIAL", *tail])]

    plain = load_long_axis([write_guide_points(tmp_path / "plain")], cine=[cine]).views[0]
    root = load_long_axis([write_guide_points(tmp_path / "root", change=with_root)], cine=[cine]).views[0]
    assert np.abs(root.endo_mm - plain.endo_mm).mean() < 0.1  # the order of the last points depends on the valve
    assert length_mm(root.endo_mm) == pytest.approx(length_mm(plain.endo_mm), rel=0.02)
    assert np.linalg.norm(root.annulus_mm - plain.annulus_mm, axis=-1).max() > 20


def test_missing_epicardium_is_drawn_parallel_and_reported(tmp_path, cine):
    whole = load_long_axis([write_guide_points(tmp_path / "whole")], cine=[cine]).views[0]

    def without_septum(t, rows):
        grid = long_axis_grid(ANGLES["four_chamber"])
        x = [grid.lps_to_pixel(np.array([float(v) for v in row.split("\t")[:3]]))[0] for row in rows]
        return [row for row, column in zip(rows, x, strict=True) if "EPICARDIAL" not in row or column > 50]

    case = load_long_axis([write_guide_points(tmp_path / "part", change=without_septum)], cine=[cine])
    assert "long_axis_gap_bridged" in codes(case)
    assert np.linalg.norm(case.views[0].epi_mm - whole.epi_mm, axis=-1).mean() < 2.5


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("ras", [False, True])
def test_markups(tmp_path, cine, closed, ras):
    path = write_markups(tmp_path / "curves.mrk.json", closed=closed, ras=ras)
    view = load_long_axis([path], cine=[cine]).views[0]
    assert strain_of(view) == pytest.approx(TRUTH / TRUTH[0] - 1, abs=0.02)


def test_given_points_of_annulus_and_apex_are_used(tmp_path, cine):
    ends = {"annulus": lambda c: c.endo_mm[[-1, 0]] - [0, 6.0], "apex": lambda c: c.epi_mm[[len(c.epi_mm) // 2]]}
    case = load_long_axis([write_markups(tmp_path / "curves.mrk.json", points=ends)], cine=[cine])
    view = case.views[0]
    assert (view.endo_mm[:, [0, -1]] - view.annulus_mm)[..., 1] == pytest.approx(6.0, abs=1.0)
    wrong = {"annulus": lambda c: c.endo_mm[[0, len(c.endo_mm) // 2]]}
    with pytest.raises(LaMoDInputError, match="annulus and apex seem to be exchanged"):
        load_long_axis([write_markups(tmp_path / "wrong.mrk.json", points=wrong)], cine=[cine])


def test_two_curves_of_one_frame_are_refused(tmp_path, cine):
    """A copy that Slicer names by its original, or words in place of numbers, would replace a drawn curve."""
    content = json.loads(write_markups(tmp_path / "curves.mrk.json").read_text())
    of = {each["name"]: each for each in content["markups"]}
    point = {"type": "Fiducial", "name": "apex", "controlPoints": of["endo 5"]["controlPoints"][10:12]}
    cases = {
        "“endo 0” and “endo 0 Copy” are both the endocardium of frame 0": {**of["endo 5"], "name": "endo 0 Copy"},
        "“epi 5” and “epi 5” are both the epicardium of frame 5": {**of["epi 0"], "name": "epi 5"},
        "“apex” and “apex” are both the apex of frame 0": point,
    }
    for reason, extra in cases.items():
        path = tmp_path / "more.mrk.json"
        path.write_text(json.dumps({"markups": [*content["markups"], extra]}))
        with pytest.raises(LaMoDInputError, match=reason):
            load_long_axis([path], cine=[cine])


@pytest.mark.parametrize("kind", ["curves", "points"])
def test_of_several_cines_that_of_the_contours_is_used(tmp_path, cine, kind):
    other = write_cine(tmp_path / "other.seq.nrrd", frames=25)
    write = {"curves": write_markups, "points": write_guide_points}[kind]
    path = write(tmp_path / ("curves.mrk.json" if kind == "curves" else "points"))
    case = load_long_axis([path], cine=[other, cine])
    assert case.views[0].frames == FRAMES and not {"several_cines", "contours_carried"} & set(codes(case))
    case = load_long_axis([path], cine=[cine, cine])
    assert "several_cines" in codes(case)


def test_two_drawn_frames_are_carried(tmp_path, cine):
    end_systole = int(np.argmin(TRUTH))
    part = beating_walls(FRAMES).astype(np.uint8)
    part[[t for t in range(FRAMES) if t not in (0, end_systole)]] = 0
    case = load_long_axis([write_masks(tmp_path / "two.seq.nrrd", labels=part)], cine=[cine])
    assert "contours_carried" in codes(case)
    view = case.views[0]
    assert view.drawn.tolist() == [t in (0, end_systole) for t in range(FRAMES)]
    assert strain_of(view) == pytest.approx(TRUTH / TRUTH[0] - 1, abs=0.03)
    with pytest.raises(LaMoDInputError, match="cannot be carried to the other frames without the cine"):
        load_long_axis([write_masks(tmp_path / "alone.seq.nrrd", labels=part)])
    part[end_systole] = 0
    with pytest.raises(LaMoDInputError, match="without end-systole"):
        load_long_axis([write_masks(tmp_path / "one.seq.nrrd", labels=part)], cine=[cine])


def test_other_frame_counts_and_cycles_are_reported(tmp_path):
    one = write_masks(tmp_path / "a.seq.nrrd", "four_chamber")
    other = write_masks(tmp_path / "b.seq.nrrd", "two_chamber", frames=12, rr_ms=1000.0)
    found = [each for each in load_long_axis([one, other]).notes if each.code == "long_axis_common_phases"]
    assert found[0].text.startswith("The long-axis views have 10 and 12 frames and R–R intervals from 900 to 1000 ms;")


def test_foreshortened_view_is_noted(tmp_path):
    short = np.stack([wall(r, le - 16, th, b, shift=s) for r, le, th, b, s in beat(FRAMES)]).astype(np.uint8)
    paths = [write_masks(tmp_path / "a.seq.nrrd"), write_masks(tmp_path / "b.seq.nrrd", "two_chamber", labels=short)]
    found = [each for each in load_long_axis(paths).notes if each.code == "long_axis_foreshortened"]
    assert len(found) == 1 and found[0].source == "b" and found[0].severity == "warning"


def short_axis_grid():
    grid = long_axis_grid(30.0)
    affine = grid.ijk_to_lps[:, [0, 2, 1, 3]]
    affine[:3, 1] *= grid.spacing_mm[1] / np.linalg.norm(affine[:3, 1])
    return SliceGrid(grid.shape, affine)


def test_masks_that_are_no_long_axis_are_refused_in_one_line(tmp_path):
    ring = np.stack([wall(24, 30, 9, base=100.0)] * FRAMES).astype(np.uint8)
    cases = {
        "closed ring.*give short-axis masks as masks": {"labels": ring},
        "is a short-axis slice by its orientation": {"grid": short_axis_grid()},
        "short-axis slice by its orientation, and none": {
            "grid": short_axis_grid(),
            "labels": np.where(ring, 2, 3).astype(np.uint8),
        },
        "frames 3 and 4 of .* have no contours": {
            "labels": np.stack([w * (t not in (3, 4)) for t, w in enumerate(beating_walls(FRAMES))]).astype(np.uint8)
        },
        "5 frames and at least 8 are needed": {"frames": 5},
    }
    for number, (reason, change) in enumerate(cases.items()):
        path = write_masks(tmp_path / f"bad{number}.seq.nrrd", **change)
        with pytest.raises(LaMoDInputError, match=reason) as caught:
            load_long_axis([path])
        assert "\n" not in str(caught.value) and path.name in str(caught.value)


def test_faulty_points_are_refused_in_one_line(tmp_path, cine):
    def cut(what, keep):
        return lambda t, rows: [row for row in rows if what not in row] + [row for row in rows if what in row][:keep]

    def exchanged(t, rows):
        apex = guide_rows("four_chamber", t)
        far = max((r for r in apex if "ENDO" in r), key=lambda r: -float(r.split("\t")[2]))
        point = "\t".join([*far.split("\t")[:3], "MITRAL_VALVE", *far.split("\t")[4:]])
        return [r for r in rows if "MITRAL" not in r] + [r for r in rows if "MITRAL" in r][:1] + [point]

    cases = {
        "1 point of the mitral annulus instead of 2": cut("MITRAL", 1),
        "has no MITRAL_VALVE points": cut("MITRAL", 0),
        "has too few contour points": cut("EPICARDIAL", 2),
        "annulus and apex seem to be exchanged": exchanged,
    }
    for number, (reason, change) in enumerate(cases.items()):
        folder = write_guide_points(tmp_path / f"bad{number}", change=change)
        with pytest.raises(LaMoDInputError, match=reason) as caught:
            load_long_axis([folder], cine=[cine])
        assert "\n" not in str(caught.value)
    with pytest.raises(LaMoDInputError, match="no pixel grid"):
        load_long_axis([write_guide_points(tmp_path / "alone")])
    with pytest.raises(LaMoDInputError, match="plane of no cine"):
        other = write_cine(tmp_path / "other.seq.nrrd", "two_chamber")
        load_long_axis([tmp_path / "alone"], cine=[other])


def test_the_same_contours_twice_are_refused(tmp_path):
    with pytest.raises(LaMoDInputError, match="in the same plane"):
        load_long_axis([write_masks(tmp_path / "a.seq.nrrd"), write_masks(tmp_path / "b.seq.nrrd")])


def test_a_frame_whose_wall_is_cut_is_noted(tmp_path):
    walls = beating_walls(FRAMES)
    assert "long_axis_length_jump" not in codes(load_long_axis([write_masks(tmp_path / "a.seq.nrrd")]))
    walls[3, : SIZE // 2 + 4, SIZE // 2 :] = False  # one wall ends at half of its length
    found = load_long_axis([write_masks(tmp_path / "b.seq.nrrd", labels=walls.astype(np.uint8))]).notes
    assert [each.frame for each in found if each.code == "long_axis_length_jump"] == [3]


@pytest.mark.parametrize("name", ["wall.nii.gz", "wall.nrrd", "frames"])
def test_masks_in_other_formats_give_the_same_lines(tmp_path, name):
    import SimpleITK as sitk

    walls = beating_walls(FRAMES).astype(np.uint8)
    grid = long_axis_grid(ANGLES["four_chamber"])
    expected = load_long_axis([write_masks(tmp_path / "wall.seq.nrrd")]).views[0]

    def volume(stack, dimensions):
        image = sitk.GetImageFromArray(stack, isVector=False)
        direction = np.eye(dimensions)
        direction[:3, :3] = grid.ijk_to_lps[:3, :3] / np.linalg.norm(grid.ijk_to_lps[:3, :3], axis=0)
        image.SetDirection(direction.ravel())
        image.SetSpacing([*np.linalg.norm(grid.ijk_to_lps[:3, :3], axis=0).tolist(), *([90.0] * (dimensions - 3))])
        image.SetOrigin([*grid.ijk_to_lps[:3, 3].tolist(), *([0.0] * (dimensions - 3))])
        return image

    if name == "frames":
        (tmp_path / name).mkdir()
        for t, plane in enumerate(walls):
            sitk.WriteImage(volume(plane[None], 3), str(tmp_path / name / f"frame_{t:02d}.nii.gz"))
    else:
        sitk.WriteImage(volume(walls[:, None], 4), str(tmp_path / name))
    view = load_long_axis([tmp_path / name]).views[0]
    assert view.kind == "four_chamber"
    # files order rows and columns differently, and of equally distant ends of a symmetric wall the first one is used
    assert view.lps(view.endo_mm) == pytest.approx(expected.lps(expected.endo_mm), abs=0.6)
    assert length_mm(view.endo_mm) == pytest.approx(length_mm(expected.endo_mm), rel=0.004)


def test_masks_of_all_frames_need_no_cine(tmp_path, cine):
    masks = write_masks(tmp_path / "second.seq.nrrd", "two_chamber")
    case = load_long_axis([masks], cine=[cine])
    assert case.views[0].cine is None and "long_axis_without_cine" in {note.code for note in case.notes}
    alone = load_long_axis([masks])
    assert np.array_equal(case.views[0].endo_mm, alone.views[0].endo_mm)


def test_landmarks_of_a_point_list(tmp_path):
    masks = [write_masks(tmp_path / f"{kind}.seq.nrrd", kind) for kind in ("four_chamber", "two_chamber")]
    found = load_long_axis(masks).views
    moved = found[1].annulus_mm[3] + [[0.0, -4.0], [0.0, 3.0]]

    def points(places):
        return [{"label": f"{name} 3", "position": p.tolist()} for name, p in places]

    lps = found[1].lps(np.concatenate([moved, found[1].apex_mm[3][None]]))
    placed = points(zip(("annulus", "annulus", "apex"), lps, strict=True))
    path = tmp_path / "landmarks.mrk.json"
    path.write_text(json.dumps({"markups": [{"type": "Fiducial", "name": "points", "controlPoints": placed}]}))
    views = load_long_axis(masks, landmarks=[path]).views
    assert views[1].annulus_mm[3] == pytest.approx(moved, abs=1e-6)
    assert np.array_equal(np.delete(views[1].annulus_mm, 3, axis=0), np.delete(found[1].annulus_mm, 3, axis=0))
    assert np.array_equal(views[0].annulus_mm, found[0].annulus_mm)
    assert views[1].endo_mm[3][[0, -1]] == pytest.approx(found[1].endo_mm[3][[0, -1]])

    def refused(controls, reason):
        content = {"markups": [{"type": "Fiducial", "name": "points", "controlPoints": controls}]}
        path.write_text(json.dumps(content))
        with pytest.raises(LaMoDInputError, match=reason):
            load_long_axis(masks, landmarks=[path])

    refused(placed[2:] + placed[1:2], "1 point of the mitral annulus instead of 2")
    refused(points([("annulus", lps[2]), ("annulus", lps[1])]), "annulus and apex seem to be exchanged")
    refused(
        points([("annulus", p + np.array([0, 0, 90])) for p in lps[:2]]), "plane of no long-axis view|from the ends"
    )
    refused([{**p, "label": p["label"].replace("3", "99")} for p in placed], "points of frame 99")
    refused([{**placed[0], "label": "MV"}, *placed[2:]], "its point “MV” is neither annulus nor apex")
    refused([{**placed[0], "label": "RV"}], "no points of the mitral annulus or the apex")
