"""What the page embeds equals the result: overlay, contours, arrows, values and pictures."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hearts import embedded, small_heart, unpacked
from PIL import Image

from LaMoDCore.heart.spatial import material_coordinates, push_forward
from LaMoDCore.io.results.segments_csv import segments_text
from LaMoDCore.report.html.contours import carried, closed_lines
from LaMoDCore.report.html.packing import LENGTH_UNIT_MM, packed, packed_frames, packed_lengths
from LaMoDCore.report.html.page import html_report
from LaMoDCore.report.html.pictures import cine_pictures, tile_size
from LaMoDCore.report.html.view import views_of

pytest.importorskip("bokeh")


@pytest.fixture(scope="module", params=[False, True], ids=["seen from the apex", "seen from the base"])
def heart(request):
    result = small_heart(from_base=request.param)
    views = views_of([cine.grid for cine in result.case.slices], list(result.slices))
    return result, views, embedded(html_report(result))


def _overlay(data, name):
    columns, rows = data["overlay"]["size"]
    packed_text = data["overlay"]["segment"] if name == "segment" else data["overlay"]["codes"][name]
    codes = np.cumsum(unpacked(packed_text, np.uint8).reshape(-1, rows, columns), axis=0, dtype=np.uint8)
    if name == "segment":
        return codes
    low, high = data["overlay"]["limits"][name]
    return np.where(codes > 0, low + (codes.astype(float) - 1) / 254 * (high - low), np.nan)


@pytest.mark.parametrize("name", ["ecc", "err"])
def test_the_overlay_is_the_field_on_the_deformed_wall(heart, name):
    result, views, page = heart
    for z, data in enumerate(page["slices"]):
        strain, spacing = result.slices[z], result.case.slices[z].grid.spacing_mm
        where = material_coordinates(strain.displacement_mm, strain.myocardium, spacing)
        expected = 100 * push_forward(strain.fields[name], where, strain.myocardium)
        shown = _overlay(data, name)
        (x0, y0), (dx, dy) = data["overlay"]["origin_mm"], data["overlay"]["step_mm"]
        frame, row, column = np.nonzero(np.isfinite(expected))
        at = views[z].points(np.stack([column, row], axis=-1))
        j, i = np.rint((at[:, 0] - x0) / dx).astype(int), np.rint((at[:, 1] - y0) / dy).astype(int)
        low, high = data["overlay"]["limits"][name]
        found = shown[frame, i, j]
        np.testing.assert_allclose(found, expected[frame, row, column], atol=(high - low) / 254)


def test_the_overlay_knows_the_segment_of_every_pixel(heart):
    result, views, page = heart
    reference = result.case.reference_frame
    for z, data in enumerate(page["slices"]):
        segment = _overlay(data, "segment")[reference]
        (x0, y0), (dx, dy) = data["overlay"]["origin_mm"], data["overlay"]["step_mm"]
        row, column = np.nonzero(result.slices[z].segment)
        at = views[z].points(np.stack([column, row], axis=-1))
        j, i = np.rint((at[:, 0] - x0) / dx).astype(int), np.rint((at[:, 1] - y0) / dy).astype(int)
        np.testing.assert_array_equal(segment[i, j], result.slices[z].segment[row, column])


def test_the_view_is_seen_from_the_apex(heart):
    """Numbers run counter-clockwise on the page, whatever the orientation of the array."""
    _, _, page = heart
    places = np.array([segment["place_mm"] for segment in page["slices"][0]["segments"]])
    x, y = (places - places.mean(axis=0)).T
    assert (np.diff(np.unwrap(np.arctan2(-y, x))) > 0.5).all()


def test_arrows_and_contours_follow_the_motion(heart):
    result, views, page = heart
    frames, es = page["frames"], result.es_frame
    for z, data in enumerate(page["slices"]):
        strain = result.slices[z]
        start = LENGTH_UNIT_MM * unpacked(data["arrows"]["from"], np.int16).reshape(-1, 2)
        steps = unpacked(data["arrows"]["motion"], np.int16).reshape(frames, -1, 2)
        motion = LENGTH_UNIT_MM * np.cumsum(steps, axis=0)
        spacing = result.case.slices[z].grid.spacing_mm
        sign = result.case.slices[z].grid.view_sign
        offset = (start - views[z].half_mm) * (sign, 1) + views[z].center_mm
        column, row = np.rint(offset / spacing).astype(int).T
        expected = views[z].vectors(strain.displacement_mm[es][:, row, column].T)
        np.testing.assert_allclose(motion[es], expected, atol=LENGTH_UNIT_MM)
        middle = views[z].points([(size - 1) / 2 for size in strain.myocardium.shape[::-1]])
        radii = []
        for line in data["predicted"]:
            steps = unpacked(line["packed"], np.int16).reshape(frames, line["points"], 2)
            radii.append(np.linalg.norm(LENGTH_UNIT_MM * np.cumsum(steps, axis=0) - middle, axis=2).mean(axis=1))
        outer, inner = sorted(radii, key=lambda radius: -radius[0])
        assert inner[0] == pytest.approx(24, abs=0.7) and outer[0] == pytest.approx(33, abs=0.7)
        assert inner[es] == pytest.approx(24 * (1 - 0.28), abs=0.7)  # as the closed-form heart contracts


def test_drawn_contours_are_those_of_the_masks(heart):
    result, views, page = heart
    for z, data in enumerate(page["slices"]):
        points = LENGTH_UNIT_MM * unpacked(data["drawn"]["packed"], np.int16).reshape(-1, 2)
        assert sum(map(sum, data["drawn"]["counts"])) == len(points)
        first = sum(data["drawn"]["counts"][0])
        expected = [
            views[z].points(line)
            for line in closed_lines(result.case.slices[z].myocardium[0], result.case.slices[z].grid.spacing_mm)
        ]
        np.testing.assert_allclose(points[:first], np.concatenate(expected), atol=LENGTH_UNIT_MM)


def test_the_values_are_those_of_segments_csv(heart):
    result, _, page = heart
    assert page["segments_csv"] == segments_text(result)
    motion = np.hypot(*np.moveaxis(result.slices[0].displacement_mm, 1, 0))
    inside = result.slices[0].segment == 2
    np.testing.assert_allclose(page["slices"][0]["displacement"][1], motion[:, inside].mean(axis=1), atol=1e-3)
    found = result.summary["global"]
    assert min(page["heart"]["ecc"]) == pytest.approx(100 * found["gcs_peak"], abs=1e-3)
    assert page["heart_peaks"]["err"] == pytest.approx(100 * found["grs_peak"], abs=1e-3)


def test_the_pictures_are_the_cine_in_the_view(heart):
    """The blood is bright in the middle, and each frame lies in its own tile."""
    result, views, page = heart
    cine = result.case.slices[0].cine.copy()
    cine[3] = cine.min()
    pictures = cine_pictures(cine, views[0], tile_size(views[0], len(cine)))
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(pictures.webp))).convert("L"))
    tile = pictures.tile

    def frame(number):
        row, column = divmod(number, pictures.columns)
        return sheet[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]

    assert frame(3).max() < 40
    assert frame(2)[tile // 2, tile // 2] > 150
    middle = views[0].points([(size - 1) / 2 for size in cine.shape[:0:-1]]) * tile / (2 * views[0].half_mm)
    bright = np.argwhere(frame(0) > 200)
    np.testing.assert_allclose(bright.mean(axis=0)[::-1] + 0.5, middle, atol=0.02 * tile)
    assert page["slices"][0]["picture"]["tile"] >= 96


def test_a_view_beyond_the_edge_of_the_image_is_padded():
    result = small_heart(("mid",))
    cine = result.case.slices[0]
    view = views_of([cine.grid], list(result.slices))[0]
    assert min(view.box_px()[:2]) < 0  # the margin is wider than the image's
    assert cine_pictures(cine.cine, view, 96).tile == 96


def test_closed_lines_have_the_size_of_the_mask_and_move_with_it():
    y, x = np.mgrid[:60, :70]
    spacing = (1.5, 1.2)
    disk = np.hypot((x - 30.3) * spacing[0], (y - 28.6) * spacing[1]) <= 20
    (line,) = closed_lines(disk, spacing)
    radius = np.linalg.norm((line - (30.3, 28.6)) * spacing, axis=1)
    assert radius.mean() == pytest.approx(20, abs=0.3) and np.ptp(radius) < 1.2
    motion = np.zeros((2, 2, 60, 70))
    motion[1, 0], motion[1, 1] = 3.0, -2.4
    moved = carried(line, motion, spacing)
    np.testing.assert_allclose(moved[0], line)
    np.testing.assert_allclose(moved[1] - line, np.broadcast_to((2.0, -2.0), line.shape))
    assert closed_lines(np.zeros((20, 20), dtype=bool), spacing) == []


def test_packed_arrays_are_read_back():
    values = np.arange(-600, 600, dtype=np.int16).reshape(4, 300)
    np.testing.assert_array_equal(unpacked(packed(values), np.int16), values.ravel())
    frames = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    steps = unpacked(packed_frames(frames), np.uint8).reshape(frames.shape)
    np.testing.assert_array_equal(np.cumsum(steps, axis=0, dtype=np.uint8), frames)
    assert unpacked(packed_lengths([1.0, np.nan, -0.5]), np.int16).tolist() == [50, -32768, -25]
    with pytest.raises(ValueError, match="uint8 and int16"):
        packed(np.zeros(3))
