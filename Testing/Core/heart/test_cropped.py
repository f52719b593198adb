"""Fields that are stored within a box behave as the whole arrays."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.heart.case import SliceMotion
from LaMoDCore.heart.cropped import Cropped, cropped


def field(rows: slice, columns: slice, shape: tuple[int, ...] = (3, 2, 20, 30)) -> np.ndarray:
    whole = np.zeros(shape, dtype=np.float32)
    whole[..., rows, columns] = np.random.default_rng(0).normal(size=whole[..., rows, columns].shape)
    return whole


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(4, 9), slice(10, 14)),
        (slice(0, 3), slice(28, 30)),
        (slice(19, 20), slice(0, 30)),
        (slice(0, 0), slice(0, 0)),
        (slice(0, 20), slice(0, 30)),
    ],
    ids=["inside", "corner", "line", "zero", "everywhere"],
)
def test_a_stored_field_is_the_whole_field(rows: slice, columns: slice) -> None:
    whole = field(rows, columns)
    stored = Cropped.of(whole)
    assert stored.shape == whole.shape and stored.values[0, 0].size == whole[0, 0, rows, columns].size
    np.testing.assert_array_equal(stored.whole(), whole)
    np.testing.assert_array_equal(stored[1].whole(), whole[1])
    np.testing.assert_array_equal(stored[np.array([2, 0])].whole(), whole[[2, 0]])
    mask = np.random.default_rng(1).random(whole.shape[-2:]) < 0.3
    np.testing.assert_array_equal(stored.at(mask), whole[..., mask])
    covering = stored.covering(mask)
    assert mask[covering.rows, covering.columns].sum() == mask.sum()
    np.testing.assert_array_equal(covering.whole(), whole)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(stored)).whole(), whole)


@pytest.mark.parametrize("rows", [slice(4, 9), slice(0, 20)], ids=["copy", "view"])
def test_a_whole_field_is_read_only_whether_its_box_is_small_or_large(rows: slice) -> None:
    given = field(rows, slice(0, 30))
    with pytest.raises(ValueError, match="read-only"):
        Cropped.of(given).whole()[:] = 1.0
    given[:] = 1.0  # the caller's own array stays writable


def test_unknown_values_are_kept() -> None:
    whole = field(slice(4, 9), slice(10, 14))
    whole[2, 1, 15, 20] = np.nan
    np.testing.assert_array_equal(Cropped.of(whole).whole(), whole)


def test_a_motion_is_an_array_of_which_only_the_heart_is_stored() -> None:
    whole = field(slice(4, 9), slice(10, 14))
    motion = SliceMotion(whole)
    assert motion.displacement_mm.dtype == np.float32
    np.testing.assert_array_equal(motion.displacement_mm, whole)
    assert cropped(motion, "displacement_mm").values.nbytes < whole.nbytes / 20
    with pytest.raises(ValueError, match="read-only"):
        motion.displacement_mm[0] = 1.0
    np.testing.assert_array_equal(replace(motion, samples_mm=whole[None]).displacement_mm, whole)
    np.testing.assert_array_equal(replace(motion, displacement_mm=2 * whole).displacement_mm, 2 * whole)
    np.testing.assert_array_equal(motion.displacement_at(2), whole[2])
    mask = np.zeros(whole.shape[-2:], dtype=bool)
    mask[6:12, 12] = True
    np.testing.assert_array_equal(motion.displacement_on(mask), whole[:, :, mask])
    with pytest.raises(TypeError, match="displacement_mm"):
        SliceMotion()  # type: ignore[call-arg]
