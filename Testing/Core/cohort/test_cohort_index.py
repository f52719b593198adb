"""A cohort predicted with pages has an index that leads to them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cohort_rings import write_ring

from LaMoDCore.cli import main
from LaMoDCore.cohort import predict_cohort

pytest.importorskip("bokeh")


def _values(index: str) -> list[str]:
    return re.findall(r'data-value="(.*?)"', index)


def test_pages_of_a_cohort_have_an_index(tmp_path: Path, model: Path):
    (tmp_path / "masks").mkdir()
    write_ring(tmp_path / "masks" / "heart.seq.nrrd")
    (tmp_path / "masks" / "empty.nii.gz").write_bytes(b"")
    inference = {"model": str(model), "device": "cpu", "samples": 1, "diffusion": False, "seed": 0}
    outcome = predict_cohort(tmp_path / "masks", tmp_path / "out", inference, outputs=["html"])
    assert (outcome.predicted, list(outcome.failures)) == (1, ["empty"])
    written = {path.name for path in (tmp_path / "out" / "cases" / "heart").iterdir()}
    assert written == {".lamod.json", "strain.json", "report.html", "thumbnail.webp"}
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'href="cases/heart/report.html"' in index and "2 cases: 1 predicted, 1 failed" in index
    write_ring(tmp_path / "masks" / "heart.seq.nrrd", inner_mm=24.0)
    before = _values(index)
    predict_cohort(tmp_path / "masks", tmp_path / "out", inference, outputs=["motion"])
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert _values(index) != before and "report.html" not in index.split("<tbody>")[1].split("</tbody>")[0]
    assert main(["report", str(tmp_path / "out" / "cases" / "heart"), "--html"]) == 0
    outcome = predict_cohort(tmp_path / "masks", tmp_path / "out", inference, outputs=["segments"])
    assert (outcome.predicted, list(outcome.failures)) == (1, ["empty"]), "a page of a case does not stop the next run"
    table = (tmp_path / "out" / "failures.csv").read_text(encoding="utf-8")
    assert "empty.nii.gz" in table and "empty.nii.gz" not in index
