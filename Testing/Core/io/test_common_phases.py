"""Slices with different numbers of frames are interpolated to the phases of the slice with the most frames."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.cycle.common_phases import on_common_phases
from LaMoDCore.heart.geometry import SliceGrid

GRID = SliceGrid((48, 50), np.diag([2.0, 2.0, 8.0, 1.0]))


def beating(name, frames, rr_ms, valid=None):
    phases = np.arange(frames) / frames
    y, x = np.mgrid[:48, :50]
    radius = np.hypot(x - 25, y - 23) * 2.0
    inner = 22 - 6 * (0.5 - 0.5 * np.cos(2 * np.pi * phases))
    cavity = radius < inner[:, None, None]
    wall = (radius < 33) & ~cavity
    cine = np.broadcast_to(np.sin(2 * np.pi * phases)[:, None, None], wall.shape).astype(np.float32)
    more = {} if valid is None else {"valid_frames": valid}
    return CineSlice(name, GRID, wall, phases * rr_ms, rr_ms, cavity=cavity, cine=cine, **more)


def test_masks_and_images_are_interpolated_to_the_same_phases():
    many, few = beating("many", 25, 750.0), beating("few", 20, 900.0)
    (first, second), notes = on_common_phases([many, few])
    assert (
        first is many
        and len(notes) == 1
        and (notes[0].code, notes[0].slice, notes[0].source) == ("phases_interpolated", 2, "few")
    )
    assert np.allclose(second.phases, many.phases) and second.rr_ms == 900.0
    assert np.abs(second.cine - many.cine).max() < 0.03  # linear between twentieths of a sine
    for name in ("myocardium", "cavity"):
        asked, found = getattr(many, name), getattr(second, name)
        assert 2 * (asked & found).sum() / (asked.sum() + found.sum()) > 0.98
    assert second.valid_frames.all()


def test_phases_far_from_any_acquired_frame_stay_unacquired():
    dense = beating("dense", 20, 900.0, valid=np.arange(20) < 10)
    _, second = on_common_phases([beating("cine", 25, 750.0), dense])[0]
    assert second.valid_frames[:12].all() and not second.valid_frames[14:23].any()
