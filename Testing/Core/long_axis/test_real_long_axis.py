"""Two real long-axis cines and their guide points; skipped where they are not available."""

import time
from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.io import load_case
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.strain.long_axis.short_axis import with_measured_levels
from LaMoDCore.strain.long_axis.summary import long_axis_summary

FOLDER = Path(__file__).resolve().parents[3] / "../shared/data/cine_biv_me"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the real cines are not available")
#: Of an independent calculation from the raw points (`experiments.evaluation.real_long_axis`).
ENDOCARDIAL = {"four_chamber": -0.306, "three_chamber": -0.208}
MAPSE_MM = {"four_chamber": (16.2, 19.9), "three_chamber": (12.4, 12.9)}


@pytest.fixture(scope="module")
def case():
    return load_long_axis([FOLDER / "guidepoints_long_axis"], cine=[FOLDER / "dicom/Se6", FOLDER / "dicom/Se7"])


def test_strain_and_excursion_are_those_of_the_raw_points(case):
    began = time.process_time()
    summary = long_axis_summary(case.views)
    assert time.process_time() - began < 1.0
    assert [part["view"] for part in summary["views"]] == ["four_chamber", "three_chamber"]
    for part in summary["views"]:
        curve = np.array(part["curves"]["endocardial"])
        assert curve.min() == pytest.approx(ENDOCARDIAL[part["view"]], abs=0.01)
        assert sorted(part["mapse_mm"].values()) == pytest.approx(MAPSE_MM[part["view"]], abs=2.0)
        assert all(abs(value) < 0.02 for value in part["drift"].values())


def test_lengths_of_the_ventricle(case):
    lengths = [np.array(part["length_mm"]) for part in long_axis_summary(case.views)["views"]]
    assert [length[0] for length in lengths] == pytest.approx([102, 94], abs=2.0)
    assert [length.min() for length in lengths] == pytest.approx([78, 79], abs=2.0)


def test_levels_of_the_short_axis_series_are_measured(case):
    stack = load_case([FOLDER / "Se3_labels.nii.gz", FOLDER / "Se4_labels.nii.gz"])
    assert [s.level for s in stack.slices] == ["base", "mid"]  # a guess
    measured, positions = with_measured_levels(stack, case.views)
    assert [s.level for s in measured.slices] == ["mid", "apex"]
    assert all(place.from_axis_mm < 8 for place in positions)
