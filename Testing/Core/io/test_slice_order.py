"""The order of slices from base to apex of files without orientation, and its correction by a person."""

import numpy as np
import pytest

from LaMoDCore.io import load_case
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.runtime.errors import LaMoDInputError

RADII = (16, 15, 13, 10, 8)


def stack(path, from_apex):
    """Five rings on the scanner's axes, as in exports that lost their orientation; the largest is the base."""
    y, x = np.mgrid[:64, :64]
    radius = np.hypot(x - 31, y - 30)
    rings = np.stack([(radius < r) & (radius > r - 5) for r in (RADII[::-1] if from_apex else RADII)])
    affine = np.diag([1.5, 1.5, 8.0, 1.0])
    affine[:3, 3] = [-40, -60, 25]
    write_seq_nrrd(path, np.repeat(rings[None], 10, axis=0).astype(np.uint8), affine, np.arange(10) * 80.0)
    return path


def areas(case):
    return [int(s.myocardium[0].sum()) for s in case.slices]


@pytest.mark.parametrize("from_apex", [False, True])
@pytest.mark.parametrize("levels", [None, "base,base,mid,apex,apex"])
def test_the_taper_orders_the_slices_and_a_person_can_exchange_base_and_apex(tmp_path, from_apex, levels):
    path = stack(tmp_path / "masks.seq.nrrd", from_apex)
    case = load_case(path, levels=levels)
    assert areas(case) == sorted(areas(case), reverse=True)
    swapped = load_case(path, levels=levels, swap_base_and_apex=True)
    assert areas(swapped) == areas(case)[::-1]
    assert [s.level for s in swapped.slices] == [s.level for s in case.slices]
    assert swapped.slices[0].level == "base"
    assert not any(note.code == "order_from_taper" for note in swapped.notes)


def test_different_contour_conventions_need_an_order_that_is_no_guess(tmp_path):
    paths = [stack(tmp_path / f"{from_apex}.seq.nrrd", from_apex) for from_apex in (False, True)]
    by_taper = ["order_from_taper" in {each.code for each in load_case(path).notes} for path in paths]
    assert sorted(by_taper) == [False, True]
    path, words = paths[by_taper.index(True)], "tissue,tissue,tissue,tissue,auto"
    assert {s.contour_convention for s in load_case(path, contour_convention="tissue").slices} == {"tissue"}
    with pytest.raises(LaMoDInputError, match="do not state which slice is the base"):
        load_case(path, contour_convention=words)
    swapped = load_case(path, contour_convention=words, swap_base_and_apex=True)
    assert [s.contour_convention for s in swapped.slices] == words.split(",")
