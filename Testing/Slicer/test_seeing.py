"""Pixels: colours only on the wall and at every frame following it, a legend, arrows inward in systole."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from Testing.Slicer import panel
from Testing.Slicer.ring_heart import FRAMES

FRAMES_LOOKED_AT = (2, 5, 9, 12, 16)


@pytest.fixture
def predicted(slicer_app, ring, fake_worker):
    """The ring with its analytic result, colours alone: no legend, contours, arrows or mask outlines."""
    fake_worker("ok")
    panel.predict(slicer_app)
    assert slicer_app.widget.ui.messageLabel.text == ""
    show(slicer_app, legend=False, contours=False, glyphs=False)
    ring.segmentation.GetDisplayNode().SetVisibility(False)
    slicer_app.settle()
    return ring


def show(slicer_app, legend=None, contours=None, glyphs=None, quantity=None):
    p = slicer_app.widget._parameters
    if legend is not None:
        p.showLegend = legend
    if contours is not None:
        p.showContours = contours
    if glyphs is not None:
        p.showGlyphs = glyphs
    if quantity is not None:
        p.quantity = type(p.quantity)(quantity)
    slicer_app.settle()


def picture_at(slicer_app, browser, frame):
    browser.SetSelectedItemNumber(frame)
    slicer_app.settle()
    return slicer_app.window.red.picture()


@pytest.mark.parametrize("quantity", ["ecc", "err", "displacement"])
def test_colours_lie_on_the_wall_and_nowhere_else_at_every_frame(slicer_app, predicted, quantity):
    for frame in FRAMES_LOOKED_AT:
        show(slicer_app, quantity="none")
        bare = picture_at(slicer_app, predicted.browser, frame).astype(int)
        show(slicer_app, quantity=quantity)
        seen = np.abs(slicer_app.window.red.picture() - bare).max(axis=2) > 8
        wall = panel.wall_in_view(slicer_app.window.red, predicted.slice.myocardium[frame], predicted.slice.grid)
        reach = np.ones((13, 13), bool)  # a pixel of the cine is about six of the screen
        assert not (seen & ~binary_dilation(wall, reach)).any(), f"colours beside the wall at frame {frame}"
        core = binary_erosion(wall, reach)
        assert (seen & core).sum() > 0.98 * core.sum(), f"the wall is not coloured at frame {frame}"


def test_shortening_is_blue_and_thickening_red(slicer_app, predicted):
    for quantity, expected in (("ecc", 2 / 3), ("err", 0.0)):
        show(slicer_app, quantity=quantity)
        picture = picture_at(slicer_app, predicted.browser, 9)
        found = np.median([panel.hue(rgb) for rgb in picture[panel.coloured(picture)][::50]])
        assert min(abs(found - expected), 1 - abs(found - expected)) < 0.12


def test_values_on_screen_are_per_cent(slicer_app, predicted):
    import slicer  # noqa: PLC0415

    predicted.browser.SetSelectedItemNumber(9)
    volume = slicer_app.widget.displayPanel._result.proxy("ecc")
    values = slicer.util.arrayFromVolume(volume)
    shown = values[values > -900]
    assert -30 < shown.min() < shown.max() < -5
    assert volume.GetName().endswith("Ecc [%]")


def test_nothing_is_coloured_when_no_quantity_is_chosen(slicer_app, predicted):
    show(slicer_app, quantity="none")
    assert not panel.coloured(picture_at(slicer_app, predicted.browser, 9)).any()


def test_colours_and_legend_go_with_the_result(slicer_app, predicted):
    show(slicer_app, legend=True)
    slicer_app.widget.displayPanel._result.remove()
    slicer_app.widget.displayPanel.update()
    slicer_app.settle()
    assert not panel.coloured(picture_at(slicer_app, predicted.browser, 9)).any()


def test_legend_is_there_and_can_go(slicer_app, predicted):
    without = picture_at(slicer_app, predicted.browser, 9)
    show(slicer_app, legend=True)
    added = panel.coloured(slicer_app.window.red.picture()) & ~panel.coloured(without)
    rows, columns = np.nonzero(added)
    assert np.ptp(rows) > 80, "no colour bar"
    assert columns.min() > 0.7 * added.shape[1]
    show(slicer_app, legend=False)
    assert not (panel.coloured(slicer_app.window.red.picture()) & ~panel.coloured(without)).any()


def _arrow_ends(slicer_app):
    """(tails, heads) in RAS of the arrows that are in the scene now."""
    from vtk.util.numpy_support import vtk_to_numpy  # noqa: PLC0415

    mesh = slicer_app.widget.displayPanel._result.proxy("arrows").GetPolyData()
    quads = vtk_to_numpy(mesh.GetPoints().GetData()).reshape(-1, 4, 3)
    middle = (quads[:, :2] + quads[:, [3, 2]]) / 2
    shafts = middle[: len(quads) // 3]
    return shafts[:, 0], shafts[:, 1]


def test_arrows_point_inward_in_systole_and_end_on_the_wall(slicer_app, predicted):
    show(slicer_app, glyphs=True)
    picture_at(slicer_app, predicted.browser, 9)
    tails, heads = _arrow_ends(slicer_app)
    assert len(heads) > 40
    centre = heads.mean(axis=0)
    assert (np.linalg.norm(heads - centre, axis=1) < np.linalg.norm(tails - centre, axis=1)).all()
    xy = np.rint(predicted.slice.grid.lps_to_pixel(heads * [-1, -1, 1])).astype(int)
    assert binary_dilation(predicted.slice.myocardium[9])[xy[:, 1], xy[:, 0]].all()


def test_arrows_are_seen_only_when_asked_and_in_their_colour(slicer_app, predicted):
    def yellow(picture):
        r, g, b = np.moveaxis(picture.astype(int), 2, 0)
        return (r > 180) & (g > 160) & (b < 120)

    assert not yellow(picture_at(slicer_app, predicted.browser, 9)).any()
    show(slicer_app, glyphs=True)
    assert yellow(slicer_app.window.red.picture()).sum() > 300
    p = slicer_app.widget._parameters
    fewer = p.glyphSpacing
    seen = yellow(slicer_app.window.red.picture()).sum()
    p.glyphSpacing = 2 * fewer
    slicer_app.settle()
    assert yellow(slicer_app.window.red.picture()).sum() < 0.5 * seen


def test_contours_follow_the_wall(slicer_app, predicted):
    show(slicer_app, quantity="none", contours=True)
    for frame in (0, 5, 9):
        seen = panel.coloured(picture_at(slicer_app, predicted.browser, frame))
        wall = panel.wall_in_view(slicer_app.window.red, predicted.slice.myocardium[frame], predicted.slice.grid)
        edge = wall & ~binary_erosion(wall, iterations=2)
        assert seen.sum() > 200
        near = binary_dilation(edge, np.ones((3, 3), bool), iterations=6)
        assert (seen & near).sum() > 0.99 * seen.sum()


def test_displacement_files_opened_again_move_points_inward(slicer_app, ring, tmp_path):
    """displacement/frame_NNN.nrrd as a transform, both ways, and its arrows: inward in systole."""
    from LaMoDSlicerLib.CineSource import CineSource  # noqa: PLC0415
    from LaMoDSlicerLib.DisplacementTransform import DisplacementTransform  # noqa: PLC0415

    from LaMoDCore.case import Case, Motion, SliceMotion  # noqa: PLC0415
    from LaMoDCore.io.results.displacement_files import write_displacement  # noqa: PLC0415

    grid = ring.slice.grid
    x, y = grid.pixel_centers_mm()
    columns, rows = np.nonzero(ring.slice.myocardium[0])[::-1]
    centre = np.array([columns.mean(), rows.mean()]) * grid.spacing_mm
    offset = np.stack([x, y]) - centre[:, None, None]
    shrunk = np.zeros((FRAMES, 2, *grid.shape), np.float32)
    shrunk[9] = -0.2 * offset
    result = SimpleNamespace(case=Case((ring.slice,)), motion=Motion((SliceMotion(shrunk),)))
    names = write_displacement(result, tmp_path)
    volume = CineSource(ring.browser).volumeNode()
    transform = DisplacementTransform.load(tmp_path / names[9], volume)
    for column, row in ((columns[0], rows[0]), (columns[-1], rows[-1]), (columns[len(columns) // 2], rows[len(rows) // 2])):
        start = grid.pixel_to_lps([column, row]) * [-1, -1, 1]
        moved = start + grid.vectors_to_lps(shrunk[9, :, row, column]) * [-1, -1, 1]
        there, back = [0.0] * 3, [0.0] * 3
        transform.GetTransformToParent().TransformPoint(start, there)
        transform.GetTransformFromParent().TransformPoint(there, back)
        assert np.allclose(there, moved, atol=0.01)
        assert np.allclose(back, start, atol=0.1)
    ring.segmentation.GetDisplayNode().SetVisibility(False)
    slicer_app.settle()
    with_arrows = slicer_app.window.red.picture()
    transform.GetDisplayNode().SetVisibility(False)
    slicer_app.settle()
    assert (with_arrows != slicer_app.window.red.picture()).any(axis=2).sum() > 500


def test_frames_of_cine_and_result_stay_in_step(slicer_app, predicted):
    result = slicer_app.widget.displayPanel._result
    assert predicted.browser.GetNumberOfItems() == FRAMES
    for role in ("ecc", "err", "e1", "e2", "displacement", "contours", "arrows"):
        sequence = result.sequence(role)
        master = predicted.browser.GetMasterSequenceNode()
        values = [sequence.GetNthIndexValue(i) for i in range(FRAMES)]
        assert values == [master.GetNthIndexValue(i) for i in range(FRAMES)]
