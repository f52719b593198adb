"""Displacement files of a result, loaded as transforms."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from Testing.Slicer.ring_heart import FRAMES


def test_displacement_files_move_points_inward(slicer_app, ring, tmp_path):
    """displacement/frame_NNN.nrrd as a transform in both directions, and its arrows: inward in systole."""
    from LaMoDSlicerLib.Display import DisplacementTransform
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    from LaMoDCore.heart.case import Case, Motion, SliceMotion
    from LaMoDCore.io.results.displacement_files import write_displacement

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
    for column, row in (
        (columns[0], rows[0]),
        (columns[-1], rows[-1]),
        (columns[len(columns) // 2], rows[len(rows) // 2]),
    ):
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
