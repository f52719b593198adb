"""Pixels of the slice view: colours on the wall at every frame, a legend, arrows inward in systole."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from Testing.Slicer import panel, reading_heart
from Testing.Slicer.conftest import add_ring, fresh
from Testing.Slicer.ring_heart import FRAMES

FRAMES_LOOKED_AT = (2, 5, 9, 12, 16)


@pytest.fixture(scope="module")
def shown(host, tmp_path_factory):
    """The ring and its analytic result in the scene, shared by all tests of this file."""
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
    from LaMoDSlicerLib.Results import ResultImport

    app = fresh(host)
    ring = add_ring(app)
    request = RequestReader(app.widget._parameters).read()
    folder = tmp_path_factory.mktemp("result") / "result"
    masks = request.masks
    reading_heart.write_for_masks(folder, masks.labels == masks.MYOCARDIUM, masks.geometry.ijkToLps, masks.timesMs)
    app.widget.logic.showResult(ResultImport.read(folder), request, app.widget._parameters)
    ring.segmentation.GetDisplayNode().SetVisibility(False)
    return SimpleNamespace(**vars(app), **vars(ring), result=app.widget.displayPanel.result)


@pytest.fixture
def predicted(shown, faults):
    """Ecc without legend, contours and arrows."""
    shown.widget._parameters.showDrawn = False
    show(shown, legend=False, contours=False, glyphs=False, quantity="ecc")
    return shown


def show(app, legend=None, contours=None, glyphs=None, quantity=None):
    p = app.widget._parameters
    if legend is not None:
        p.showLegend = legend
    if contours is not None:
        p.showContours = contours
    if glyphs is not None:
        p.showGlyphs = glyphs
    if quantity is not None:
        p.quantity = type(p.quantity)(quantity)
    app.settle()


def picture_at(app, frame):
    app.browser.SetSelectedItemNumber(frame)
    app.settle()
    return app.window.red.picture()


def cine_pixel(app):
    """Size of a pixel of the cine in screen pixels, rounded up."""
    view = app.window.red.node
    return int(np.ceil(app.slice.grid.spacing_mm[0] / view.GetFieldOfView()[0] * view.GetDimensions()[0]))


@pytest.mark.parametrize("quantity", ["ecc", "err", "displacement"])
def test_colours_lie_on_the_wall_and_nowhere_else_at_every_frame(predicted, quantity):
    for frame in FRAMES_LOOKED_AT:
        show(predicted, quantity="none")
        bare = picture_at(predicted, frame).astype(int)
        show(predicted, quantity=quantity)
        seen = np.abs(predicted.window.red.picture() - bare).max(axis=2) > 8
        wall = panel.wall_in_view(predicted.window.red, predicted.slice.myocardium[frame], predicted.slice.grid)
        reach = np.ones((2 * cine_pixel(predicted) + 1,) * 2, bool)
        assert not (seen & ~binary_dilation(wall, reach)).any(), f"colours outside the wall at frame {frame}"
        core = binary_erosion(wall, reach)
        assert (seen & core).sum() > 0.98 * core.sum(), f"the wall is not coloured at frame {frame}"


def test_shortening_is_blue_and_thickening_red(predicted):
    for quantity, expected in (("ecc", 2 / 3), ("err", 0.0)):
        show(predicted, quantity=quantity)
        picture = picture_at(predicted, 9)
        found = np.median([panel.hue(rgb) for rgb in picture[panel.coloured(picture)][::50]])
        assert min(abs(found - expected), 1 - abs(found - expected)) < 0.12


def test_values_on_screen_are_per_cent(predicted):
    import slicer

    predicted.browser.SetSelectedItemNumber(9)
    volume = predicted.result.proxy("ecc")
    values = slicer.util.arrayFromVolume(volume)
    shown = values[values > -900]
    assert -30 < shown.min() < shown.max() < -5
    assert volume.GetName().endswith("Ecc (%)")


def test_nothing_is_coloured_when_no_quantity_is_chosen(predicted):
    show(predicted, quantity="none")
    assert not panel.coloured(picture_at(predicted, 9)).any()


def test_legend_can_be_shown_and_hidden(predicted):
    without = picture_at(predicted, 9)
    show(predicted, legend=True)
    added = panel.coloured(predicted.window.red.picture()) & ~panel.coloured(without)
    rows, columns = np.nonzero(added)
    assert np.ptp(rows) > 80, "no colour bar"
    assert columns.min() > 0.7 * added.shape[1]
    show(predicted, legend=False)
    assert not (panel.coloured(predicted.window.red.picture()) & ~panel.coloured(without)).any()


def _arrow_ends(predicted):
    """(tails, heads) of the arrows in RAS."""
    from vtk.util.numpy_support import vtk_to_numpy

    mesh = predicted.result.proxy("arrows").GetPolyData()
    quads = vtk_to_numpy(mesh.GetPoints().GetData()).reshape(-1, 4, 3)
    middle = (quads[:, :2] + quads[:, [3, 2]]) / 2
    shafts = middle[: len(quads) // 3]
    return shafts[:, 0], shafts[:, 1]


def test_arrows_point_inward_in_systole_and_end_on_the_wall(predicted):
    show(predicted, glyphs=True)
    picture_at(predicted, 9)
    tails, heads = _arrow_ends(predicted)
    assert len(heads) > 40
    centre = heads.mean(axis=0)
    assert (np.linalg.norm(heads - centre, axis=1) < np.linalg.norm(tails - centre, axis=1)).all()
    xy = np.rint(predicted.slice.grid.lps_to_pixel(heads * [-1, -1, 1])).astype(int)
    assert binary_dilation(predicted.slice.myocardium[9])[xy[:, 1], xy[:, 0]].all()


def test_arrows_are_visible_only_if_checked_and_have_their_colour(predicted):
    def yellow(picture):
        r, g, b = np.moveaxis(picture.astype(int), 2, 0)
        return (r > 180) & (g > 160) & (b < 120)

    assert not yellow(picture_at(predicted, 9)).any()
    show(predicted, glyphs=True)
    assert yellow(predicted.window.red.picture()).sum() > 300
    p = predicted.widget._parameters
    fewer = p.glyphSpacing
    seen = yellow(predicted.window.red.picture()).sum()
    p.glyphSpacing = 2 * fewer
    predicted.settle()
    assert yellow(predicted.window.red.picture()).sum() < 0.5 * seen


def test_contours_follow_the_wall(predicted):
    show(predicted, quantity="none", contours=True)
    for frame in (0, 5, 9):
        seen = panel.coloured(picture_at(predicted, frame))
        wall = panel.wall_in_view(predicted.window.red, predicted.slice.myocardium[frame], predicted.slice.grid)
        edge = wall & ~binary_erosion(wall, iterations=2)
        assert seen.sum() > 200
        near = binary_dilation(edge, np.ones((3, 3), bool), iterations=cine_pixel(predicted))
        assert (seen & near).sum() > 0.99 * seen.sum()


def test_frames_of_cine_and_result_are_synchronised(predicted):
    result = predicted.result
    assert predicted.browser.GetNumberOfItems() == FRAMES
    for role in ("ecc", "err", "e1", "e2", "displacement", "contours", "arrows"):
        sequence = result.sequence(role)
        master = predicted.browser.GetMasterSequenceNode()
        values = [sequence.GetNthIndexValue(i) for i in range(FRAMES)]
        assert values == [master.GetNthIndexValue(i) for i in range(FRAMES)]


def test_colours_and_legend_are_removed_with_the_result(predicted):
    """Must be the last test of this file: it removes the result."""
    show(predicted, legend=True)
    predicted.result.remove()
    predicted.widget.displayPanel.update()
    predicted.settle()
    assert not panel.coloured(picture_at(predicted, 9)).any()
