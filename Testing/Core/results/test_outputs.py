"""Parts of a result: which files are written, and that readers accept results without the others."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.io import read_result, write_result
from LaMoDCore.io.results import read_displacement, read_spatial
from LaMoDCore.prediction import writer
from LaMoDCore.prediction.outputs import OUTPUTS, chosen_outputs
from LaMoDCore.runtime.errors import LaMoDInputError

FILES = {
    "segments": {"segments.csv"},
    "motion": {"motion.npz"},
    "displacement": {"displacement"},
    "spatial": {"ecc.seq.nrrd", "err.seq.nrrd"},
    "report": {"report.png", "report.pdf"},
    "contours": set(),
}


@pytest.fixture(scope="module")
def result():
    grids = [short_axis_grid(shape=(64, 72), spacing=(1.4, 1.3), offset_mm=-8.0 * z) for z in range(2)]
    return contracting_heart(("base", "mid"), frames=4, samples=3, grids=grids)


@pytest.mark.parametrize("part", [*FILES, "strain"])
def test_only_the_files_of_a_part_and_strain_json_are_written(tmp_path, result, part):
    returned = write_result(result, tmp_path / "out", outputs=[part])
    assert {p.name for p in (tmp_path / "out").iterdir()} == FILES.get(part, set()) | {"strain.json", ".lamod.json"}
    written = {p for p in (tmp_path / "out").rglob("*") if p.is_file() and p.name != ".lamod.json"}
    assert set(returned) == written and len(returned) == len(written)


def test_every_part_is_written_by_default_with_the_same_bytes_as_alone(tmp_path, result):
    write_result(result, tmp_path / "all", report=False)
    assert {p.name for p in (tmp_path / "all").iterdir()} == set().union(
        *(names for part, names in FILES.items() if part != "report"), {"strain.json", ".lamod.json"}
    )
    write_result(result, tmp_path / "one", outputs=["motion", "spatial"])
    for file in ("motion.npz", "ecc.seq.nrrd", "strain.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "all" / file).read_bytes()


def test_no_report_wins_over_the_list(tmp_path, result):
    write_result(result, tmp_path / "out", report=False, outputs=["report"])
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"strain.json", ".lamod.json"}


def test_a_result_with_its_motion_alone_is_read(tmp_path, result):
    write_result(result, tmp_path / "all", report=False)
    write_result(result, tmp_path / "part", outputs=["motion"])
    whole, part = read_result(tmp_path / "all"), read_result(tmp_path / "part")
    assert part.summary == whole.summary and part.notes == whole.notes
    for found, expected in zip(part.slices, whole.slices, strict=True):
        assert found.level == expected.level
        assert found.strain.segment_names == expected.strain.segment_names
        assert found.strain.segment_aha == expected.strain.segment_aha
        np.testing.assert_array_equal(found.strain.fields["ecc"], expected.strain.fields["ecc"])
        for name, curves in expected.strain.segment_curves.items():
            np.testing.assert_allclose(found.strain.segment_curves[name], curves, atol=1e-6)
        assert found.strain.segment_curves_std == {} and found.intervals == {}
        wall = expected.strain.myocardium
        np.testing.assert_allclose(
            found.strain.displacement_mm[:, :, wall], expected.strain.displacement_mm[:, :, wall], atol=1e-5
        )
        assert np.isnan(found.strain.displacement_mm[:, :, ~wall]).all()
    assert read_spatial(tmp_path / "part", "ecc") == () and read_displacement(tmp_path / "part") == ()


def test_a_result_without_motion_is_refused_with_the_missing_file(tmp_path, result):
    write_result(result, tmp_path / "out", outputs=["strain", "segments"])
    with pytest.raises(LaMoDInputError) as refused:
        read_result(tmp_path / "out")
    assert Path(refused.value.source).name == "motion.npz" and "does not exist" in refused.value.reason


def test_a_damaged_summary_does_not_replace_the_table(tmp_path, result):
    parts = [{key: value for key, value in part.items() if key != "segments"} for part in result.summary["slices"]]
    damaged = dataclasses.replace(result, summary={**result.summary, "slices": parts})
    write_result(damaged, tmp_path / "out", outputs=["motion"])
    with pytest.raises(LaMoDInputError, match="segments cannot be read"):
        read_result(tmp_path / "out")


def test_names_are_checked():
    assert chosen_outputs(["motion", "segments"]) == ("strain", "segments", "motion")
    assert set(chosen_outputs(OUTPUTS)) == set(OUTPUTS)
    with pytest.raises(ValueError, match="'movie' is not a part of a result; choose from strain, segments, motion"):
        chosen_outputs(["movie"])


def test_an_error_in_one_part_stops_the_parts_that_have_not_begun(tmp_path, result, monkeypatch):
    begun = []

    def failing(_result, _folder):
        begun.append("motion")
        raise OSError(28, "No space left on device")

    def slow(_result, _folder):
        begun.append("later")
        time.sleep(0.2)
        return []

    names = ("motion", "spatial", "displacement", "contours")
    monkeypatch.setattr(writer, "thread_count", lambda _count: 1)
    monkeypatch.setattr(writer, "_image_writers", lambda: dict(zip(names, [failing, slow, slow, slow], strict=True)))
    with pytest.raises(LaMoDInputError, match=r"disk is full|No space"):
        writer.write_result(result, tmp_path / "out", report=False)
    assert begun.count("later") < 3 and not (tmp_path / "out").exists()
