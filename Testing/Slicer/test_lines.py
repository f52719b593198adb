"""Lines on the images: drawn contours, deforming grid, tracked points; and the stored motion."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from Testing.Slicer import panel, reading_heart
from Testing.Slicer.conftest import add_ring, fresh
from Testing.Slicer.ring_heart import FRAMES, squeeze


@pytest.fixture(scope="module")
def shown(host, tmp_path_factory):
    """The ring and its analytic result in the scene, with a spread of 2 % on Ecc."""
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
    from LaMoDSlicerLib.Results import ResultImport

    app = fresh(host)
    ring = add_ring(app)
    request = RequestReader(app.widget._parameters).read()
    folder = tmp_path_factory.mktemp("result") / "result"
    masks = request.masks
    reading_heart.write_for_masks(folder, masks.labels == masks.MYOCARDIUM, masks.geometry.ijkToLps, masks.timesMs)
    with np.load(folder / "motion.npz") as motion:
        arrays = dict(motion)
    np.savez(folder / "motion.npz", **arrays, ecc_std=np.where(np.isfinite(arrays["ecc"]), 0.02, np.nan))
    stored = ResultImport.read(folder)
    app.widget.logic.showResult(stored, request, app.widget._parameters)
    return SimpleNamespace(**vars(app), **vars(ring), stored=stored, result=app.widget.displayPanel.result)


@pytest.fixture
def bare(shown, faults):
    """The cine without overlay and lines."""
    p = shown.widget._parameters
    p.quantity = type(p.quantity)("none")
    p.showLegend = p.showContours = p.showDrawn = p.showGlyphs = p.showGrid = p.showTracks = False
    shown.settle()
    return shown


def at(app, frame):
    app.browser.SetSelectedItemNumber(frame)
    app.settle()
    return app.window.red.picture()


def midlines(app, role):
    """[N, 2, 2]: the midline of each ribbon, (start, end), in pixel coordinates of the slice."""
    from vtk.util.numpy_support import vtk_to_numpy

    quads = vtk_to_numpy(app.result.proxy(role).GetPolyData().GetPoints().GetData()).reshape(-1, 4, 3)
    ras = (quads[:, :2] + quads[:, [3, 2]]) / 2
    return app.slice.grid.lps_to_pixel(ras * [-1, -1, 1])


def test_drawn_contours_follow_the_edges_of_the_masks(bare):
    assert not bare.segmentation.GetDisplayNode().GetVisibility()
    bare.widget._parameters.showDrawn = True
    bare.settle()
    for frame in (0, 9):
        seen = panel.coloured(at(bare, frame), 0.4)
        wall = panel.wall_in_view(bare.window.red, bare.slice.myocardium[frame], bare.slice.grid)
        edge = binary_dilation(wall, iterations=2) & ~binary_erosion(wall, iterations=2)
        view = bare.window.red.node
        pixel = int(np.ceil(bare.slice.grid.spacing_mm[0] / view.GetFieldOfView()[0] * view.GetDimensions()[0]))
        assert seen.sum() > 300
        assert (seen & binary_dilation(edge, np.ones((3, 3), bool), iterations=pixel)).sum() > 0.99 * seen.sum()


@pytest.mark.parametrize(("name", "role"), [("showGrid", "grid"), ("showTracks", "tracks")])
def test_grid_and_tracks_are_visible_only_if_checked(bare, name, role):
    without = at(bare, 9)
    setattr(bare.widget._parameters, name, True)
    bare.settle()
    added = (np.abs(bare.window.red.picture().astype(int) - without).max(axis=2) > 40).sum()
    assert added > 500
    setattr(bare.widget._parameters, name, False)
    bare.settle()
    assert np.array_equal(bare.window.red.picture(), without)


def test_the_grid_moves_with_the_wall(bare):
    """The ring's motion is known: a point at radius R goes to √(R² − k)."""
    bare.widget._parameters.showGrid = True
    at(bare, 0)
    before = midlines(bare, "grid")
    columns = np.unique(np.round(before[:, 0, 0], 3))
    assert len(columns) < len(before) / 4, "at end-diastole the lines are not straight"
    at(bare, 9)
    after = midlines(bare, "grid")
    assert len(after) == len(before)
    spacing = np.array(bare.slice.grid.spacing_mm)
    rows, cols = np.nonzero(bare.slice.myocardium[0])
    centre = np.array([cols.mean(), rows.mean()])
    radius0 = np.linalg.norm((before - centre) * spacing, axis=-1)
    radius9 = np.linalg.norm((after - centre) * spacing, axis=-1)
    endocardium = np.linalg.norm((np.column_stack([cols, rows]) - centre) * spacing, axis=1).min()
    expected = np.sqrt(np.maximum(radius0**2 - squeeze(endocardium, FRAMES)[9], 0))
    inside = radius0 > endocardium + spacing[0]
    assert np.abs(radius9 - expected)[inside].max() < 0.3


def test_tracks_start_on_the_wall_and_their_rings_lie_on_the_current_wall(bare):
    from LaMoDSlicerLib.Display.MaterialLines import PointTracks

    bare.widget._parameters.showTracks = True
    at(bare, 9)
    lines = midlines(bare, "tracks")
    count = len(lines) // (FRAMES - 1 + PointTracks.RING_SIDES)
    paths, rings = lines[: (FRAMES - 1) * count], lines[(FRAMES - 1) * count :]
    xy = np.rint(rings.reshape(-1, count, 2, 2)[:, :, 0].mean(axis=0)).astype(int)
    assert binary_dilation(bare.slice.myocardium[9])[xy[:, 1], xy[:, 0]].all()
    starts = np.rint(paths[:count, 0]).astype(int)
    assert bare.slice.myocardium[0][starts[:, 1], starts[:, 0]].all()


def test_uncertainty_is_an_overlay_with_its_own_range(bare):
    import slicer

    p = bare.widget._parameters
    p.quantity = type(p.quantity)("uncertainty")
    bare.settle()
    picture = at(bare, 9)
    wall = panel.wall_in_view(bare.window.red, bare.slice.myocardium[9], bare.slice.grid)
    assert (panel.coloured(picture) & wall).sum() > 0.9 * wall.sum()
    values = slicer.util.arrayFromVolume(bare.result.proxy("uncertainty"))
    assert np.allclose(values[values > -900], 2.0, atol=1e-3)
    assert bare.widget.ui.uncertaintyRangeSlider.visible
    assert not bare.widget.ui.strainRangeSlider.visible


def test_the_scene_contains_the_motion(bare):
    from LaMoDSlicerLib.Results import MotionStore
    from LaMoDSlicerLib.Results.ResultStack import ResultStack

    stored, motion = MotionStore.load(bare.browser), ResultStack.of(bare.stored).motion
    assert np.array_equal(stored.myocardium, motion.myocardium)
    assert np.allclose(stored.ijkToLps, motion.ijkToLps)
    assert np.allclose(stored.displacementMm, motion.displacementMm, atol=1e-4)


def test_outlines_keep_the_size_and_are_smooth():
    from LaMoDSlicerLib.Contours.ContourMeshes import outlineOf

    y, x = np.mgrid[:100, :110]
    disc = np.hypot(x - 55, y - 48) < 25
    outline = outlineOf(disc)
    radius = np.hypot(outline[..., 0] - 55, outline[..., 1] - 48)
    assert abs(radius.mean() - 25) < 0.3
    assert radius.std() < 0.2
    turns = np.diff(np.unwrap(np.arctan2(*(outline[:, 1] - outline[:, 0]).T)))
    assert np.abs(turns).max() < 0.3, "the outline has a step"
    assert outlineOf(disc[:48]).shape[0] > 50, "a mask at the border has no outline"
    assert outlineOf(np.zeros((9, 9), bool)).shape == (0, 2, 2)


def test_images_are_resliced_on_the_fast_path(bare):
    """Rows stay rows, so that VTK uses its permuting reslice, which is several times faster, for cine and overlay."""
    p = bare.widget._parameters
    p.quantity = type(p.quantity)("ecc")
    bare.settle()
    for layer in (bare.window.red.logic.GetBackgroundLayer(), bare.window.red.logic.GetForegroundLayer()):
        reslice = layer.GetReslice()
        assert reslice.GetSlabSliceSpacingFraction() == 1.0
        matrix = reslice.GetResliceTransform().GetMatrix()
        elements = np.array([[matrix.GetElement(i, j) for j in range(3)] for i in range(3)])
        assert (np.count_nonzero(elements, axis=0) == 1).all(), elements
