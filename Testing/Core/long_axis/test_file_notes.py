"""Views without a position, notes of long-axis files, and points of markups that belong to no curve."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from long_axis_files import FRAMES, RR_MS, cine_images, write_cine, write_guide_points, write_markups, write_masks
from long_axis_shapes import ANGLES, SPACING, beating_walls, long_axis_grid

from LaMoDCore.cli.shared.notes import note_lines
from LaMoDCore.function.biplane import best_pair
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.long_axis.landmarks import read_landmarks
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.prediction.long_axis import long_axis_numbers
from LaMoDCore.runtime.errors import LaMoDInputError


@pytest.fixture(scope="module")
def cine(tmp_path_factory):
    return write_cine(tmp_path_factory.mktemp("cine") / "lax_cine.seq.nrrd")


@pytest.fixture(scope="module")
def untimed(tmp_path_factory):
    """A cine without an R–R interval."""
    path = tmp_path_factory.mktemp("untimed") / "cine.seq.nrrd"
    grid = long_axis_grid(ANGLES["four_chamber"])
    write_seq_nrrd(path, cine_images()[:, None], grid.ijk_to_lps, np.arange(FRAMES) * RR_MS / FRAMES)
    return path


def codes(case):
    return [each.code for each in case.notes]


def write_without_position(path):
    """A NIfTI mask on pixels of the right size at the scanner's origin and on its axes."""
    image = sitk.GetImageFromArray(beating_walls(FRAMES).astype(np.uint8)[:, None], isVector=False)
    image.SetSpacing([SPACING, SPACING, 8.0, RR_MS / FRAMES])
    image.SetDirection(np.diag([-1.0, -1.0, 1.0, 1.0]).ravel())
    sitk.WriteImage(image, str(path))
    return path


def test_a_view_without_position_must_be_named(tmp_path, cine):
    path = write_without_position(tmp_path / "wall.nii.gz")
    with pytest.raises(LaMoDInputError, match=r"no position in the patient.*--long-axis-views") as caught:
        load_long_axis([path])
    assert "\n" not in str(caught.value)
    case = load_long_axis([path], views="4ch")
    assert "long_axis_not_located" in codes(case) and "long_axis_views_recognised" not in codes(case)
    assert not case.views[0].located
    located = load_long_axis([path], cine=[cine])  # on the cine's pixels
    assert located.views[0].located and located.views[0].kind == "four_chamber"


def test_walls_of_a_view_without_position_are_not_named(tmp_path):
    path = write_without_position(tmp_path / "cine_4ch.nii.gz")
    other = write_masks(tmp_path / "other.seq.nrrd", "two_chamber")
    views = load_long_axis([path, other]).views
    assert [view.kind for view in views] == ["four_chamber", "two_chamber"]
    numbers = long_axis_numbers(views)
    assert numbers["views"][0]["walls"] == ["first", "second"]
    assert {row["aha"] for row in numbers["views"][0]["segments"]} == {None}
    assert numbers["gls"]["mid_wall"] < -0.05
    assert best_pair([replace(views[0], kind="three_chamber"), views[1]]) == (0,)


@pytest.mark.parametrize("write", [write_guide_points, write_markups])
def test_notes_on_times_of_the_cine_are_kept(tmp_path, untimed, write):
    path = write(tmp_path / ("points" if write is write_guide_points else "curves.mrk.json"))
    case = load_long_axis([path], cine=[untimed])
    assert "rr_assumed" in codes(case)


def test_the_terminal_advises_options_of_long_axis(tmp_path):
    walls = beating_walls(FRAMES).astype(np.uint8)
    walls[:, :4, :4] = 2
    lines = note_lines(load_long_axis([write_masks(tmp_path / "two_labels.seq.nrrd", labels=walls)]).notes)
    for option in ("--long-axis-labels", "--long-axis-views"):
        assert any(f"({option} " in line for line in lines)
    assert not any("(--labels" in line for line in lines)


def test_a_single_mask_is_not_assumed_to_be_of_the_first_frame(tmp_path, cine):
    single = write_masks(tmp_path / "one.seq.nrrd", labels=beating_walls(FRAMES)[:1].astype(np.uint8), frames=1)
    with pytest.raises(LaMoDInputError, match="without end-systole"):
        load_long_axis([single], cine=[cine])


def default_labels(path, rename):
    """Let the labels of the annulus points be those that Slicer makes."""
    content = json.loads(path.read_text())
    for markup in content["markups"]:
        if markup["type"] == "Fiducial":
            markup["name"] = markup["controlPoints"][0]["label"]
            for number, point in enumerate(markup["controlPoints"], start=1):
                point["label"] = rename(markup["name"], number)
    path.write_text(json.dumps(content))
    return path


def test_descriptions_name_points_with_short_labels(tmp_path):
    """A list that LaMoD showed in Slicer at frame 5, as Slicer saves it."""
    labels = (("MV", "annulus 5"), ("MV", "annulus 5"), ("apex", "apex 5"))
    points = [
        {"label": label, "description": text, "position": [float(n), 0.0, 0.0]}
        for n, (label, text) in enumerate(labels)
    ]
    content = {"markups": [{"type": "Fiducial", "name": "Landmarks, 4-chamber", "controlPoints": points}]}
    path = tmp_path / "shown.mrk.json"
    path.write_text(json.dumps(content))
    found = read_landmarks(path)
    assert list(found) == [5]
    assert found[5].annulus_lps[:, 0].tolist() == [0.0, 1.0] and found[5].apex_lps[0] == 2.0


@pytest.mark.parametrize("rename", [lambda name, n: f"{name}-{n}", lambda name, n: f"F-{n}"])
def test_labels_that_slicer_makes_belong_to_the_list(tmp_path, cine, rename):
    ends = {"annulus": lambda c: c.endo_mm[[-1, 0]] - [0, 6.0], "apex": lambda c: c.epi_mm[[len(c.epi_mm) // 2]]}
    expected = load_long_axis([write_markups(tmp_path / "one.mrk.json", points=ends)], cine=[cine]).views[0]
    path = default_labels(write_markups(tmp_path / "two.mrk.json", points=ends), rename)
    view = load_long_axis([path], cine=[cine]).views[0]
    assert (view.annulus_mm == expected.annulus_mm).all() and (view.endo_mm == expected.endo_mm).all()


def test_points_of_a_frame_without_curves_are_refused(tmp_path, cine):
    path = write_markups(tmp_path / "curves.mrk.json", points={"apex": lambda c: c.epi_mm[[len(c.epi_mm) // 2]]})
    content = json.loads(path.read_text())
    content["markups"] = [m for m in content["markups"] if m["name"] not in ("endo 3", "epi 3")]
    path.write_text(json.dumps(content))
    with pytest.raises(LaMoDInputError, match="frame 3 has points of the annulus or the apex, but no curves"):
        load_long_axis([path], cine=[cine])
