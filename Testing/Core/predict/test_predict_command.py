"""`lamod predict`: files and keys of the contract, reproducible bytes, and one-line errors for invalid input."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from LaMoDCore.cli import main
from Testing.Core.predict.conftest import ring_frames, write_nifti

CONTRACT = {
    ".lamod.json",
    "motion.npz", "segments.csv", "strain.json", "ecc.seq.nrrd", "err.seq.nrrd", "displacement",
    "report.png", "report.pdf", "function.csv", "thickness.csv",
}  # fmt: skip
KEYS = {
    "displacement_mm", "ecc", "err", "e1", "e2", "jacobian", "myocardium", "segment", "ijk_to_lps", "frame_times_ms",
    "reference_frame",
}  # fmt: skip


def predict(masks: Path, out: Path, model: Path, *more: str) -> int:
    return main(["predict", str(masks), "--out", str(out), "--model", str(model), "--progress", "none", *more])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory, ring_file: Path, small_model: Path) -> Path:
    out = tmp_path_factory.mktemp("out") / "result"
    assert predict(ring_file, out, small_model, "--samples", "2", "--steps", "2") == 0
    return out


def test_files_and_keys_are_the_contracts(result: Path) -> None:
    assert {p.name for p in result.iterdir()} == CONTRACT
    assert sorted(p.name for p in (result / "displacement").iterdir()) == [f"frame_{t:03d}.nrrd" for t in range(12)]
    with np.load(result / "motion.npz") as arrays:
        assert set(arrays) >= KEYS | {"displacement_mm_std", "ecc_std"}
        assert arrays["displacement_mm"].shape == (12, 1, 80, 96, 3)
        assert arrays["ecc"].shape == (12, 1, 80, 96)
        assert arrays["myocardium"].shape == arrays["segment"].shape == (1, 80, 96)
        assert arrays["ijk_to_lps"].shape == (1, 4, 4)
        assert arrays["frame_times_ms"].shape == (1, 12)
        inside = arrays["myocardium"][0] > 0
        assert np.isnan(arrays["displacement_mm"][:, 0, ~inside]).all()
        assert np.isfinite(arrays["displacement_mm"][:, 0, inside]).all()
        assert np.abs(arrays["displacement_mm"][int(arrays["reference_frame"]), 0, inside]).max() == 0
        assert np.nanmax(np.abs(arrays["displacement_mm"])) > 0.05


def test_notes_are_printed_on_the_terminal(
    tmp_path: Path, ring_file: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(ring_file, tmp_path / "out", small_model, "--no-diffusion", "--no-report", "--rr", "1100") == 0
    notes = json.loads((tmp_path / "out" / "strain.json").read_text(encoding="utf-8"))["notes"]
    printed = capsys.readouterr().out
    assert notes
    assert all(note["text"] in printed for note in notes)
    with np.load(tmp_path / "out" / "motion.npz") as arrays:
        assert arrays["frame_times_ms"].max() < 1100
    assert json.loads((tmp_path / "out" / "strain.json").read_text(encoding="utf-8"))["slices"][0]["rr_ms"] == 1100


def test_strain_json_holds_the_provenance(result: Path, ring_file: Path) -> None:
    content = json.loads((result / "strain.json").read_text(encoding="utf-8"))
    provenance = content["provenance"]
    assert {"lamod_version", "model", "model_sha256", "device", "seed", "sampler", "inputs"} <= set(provenance)
    assert provenance["inputs"][0]["name"] == ring_file.name and len(provenance["inputs"][0]["sha256"]) == 64
    assert str(ring_file.parent) not in (result / "strain.json").read_text(encoding="utf-8")
    assert content["es_frame"] == 6


def test_displacement_files_hold_the_same_motion_in_lps(result: Path) -> None:
    image = sitk.ReadImage(str(result / "displacement" / "frame_006.nrrd"))
    vectors = sitk.GetArrayFromImage(image)
    assert image.GetNumberOfComponentsPerPixel() == 3 and np.isfinite(vectors).all()
    with np.load(result / "motion.npz") as arrays:
        inside = arrays["myocardium"][0] > 0
        np.testing.assert_allclose(vectors[0][inside], arrays["displacement_mm"][6, 0][inside], atol=1e-4)
        np.testing.assert_allclose(
            np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing()),
            arrays["ijk_to_lps"][0, :3, :3],
            atol=1e-5,
        )


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, result: Path, ring_file: Path, small_model: Path) -> None:
    again = tmp_path / "again"
    assert predict(ring_file, again, small_model, "--samples", "2", "--steps", "2") == 0
    for file in sorted(p.relative_to(result) for p in result.rglob("*") if p.is_file()):
        assert (again / file).read_bytes() == (result / file).read_bytes(), file
    other = tmp_path / "other"
    assert predict(ring_file, other, small_model, "--samples", "2", "--steps", "2", "--seed", "1", "--no-report") == 0
    assert (other / "motion.npz").read_bytes() != (result / "motion.npz").read_bytes()


def test_without_diffusion_there_is_one_answer_whatever_the_seed(
    tmp_path: Path, ring_file: Path, small_model: Path
) -> None:
    for seed in ("0", "5"):
        out = tmp_path / seed
        assert predict(ring_file, out, small_model, "--no-diffusion", "--seed", seed, "--no-report") == 0
    with np.load(tmp_path / "0" / "motion.npz") as one, np.load(tmp_path / "5" / "motion.npz") as two:
        np.testing.assert_array_equal(one["displacement_mm"], two["displacement_mm"])
        assert "ecc_std" not in one


def test_progress_is_json_lines_that_end_at_one(
    tmp_path: Path, ring_file: Path, small_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["predict", str(ring_file), "--out", str(tmp_path / "p"), "--model", str(small_model)]
    assert main([*arguments, "--progress", "json", "--no-report", "--steps", "1"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert all(set(line) == {"stage", "fraction", "message"} for line in lines)
    assert [line["fraction"] for line in lines] == sorted(line["fraction"] for line in lines)
    assert lines[-1]["fraction"] == 1.0


def missing(folder: Path) -> Path:
    return folder / "nothing.nii.gz"


def empty_mask(folder: Path) -> Path:
    return write_nifti(folder / "empty.nii.gz", np.zeros_like(ring_frames()))


def no_time(folder: Path) -> Path:
    image = sitk.GetImageFromArray(ring_frames()[:1])
    sitk.WriteImage(image, str(folder / "still.nii.gz"))
    return folder / "still.nii.gz"


def few_frames(folder: Path) -> Path:
    return write_nifti(folder / "few.nii.gz", ring_frames(7))


def cut_off(folder: Path) -> Path:
    whole = write_nifti(folder / "whole.nii.gz", ring_frames()).read_bytes()
    (folder / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.nii.gz"


def no_image(folder: Path) -> Path:
    (folder / "letter.nii.gz").write_text("Dear colleague,")
    return folder / "letter.nii.gz"


def one_line(capfd: pytest.CaptureFixture[str]) -> str:
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    return lines[0]


@pytest.mark.parametrize("make", [missing, empty_mask, no_time, few_frames, cut_off, no_image])
def test_masks_that_cannot_be_used_get_one_line_that_names_them(
    tmp_path: Path, small_model: Path, capfd: pytest.CaptureFixture[str], make: Callable[[Path], Path]
) -> None:
    file = make(tmp_path)
    before = {p.name for p in tmp_path.iterdir()}
    assert predict(file, tmp_path / "out", small_model) == 1
    line = one_line(capfd)
    assert file.name.split(".")[0] in line and line.endswith(".")
    assert {p.name for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "options, words",
    [
        (["--labels", "myo=7"], "7"),
        (["--device", "abacus"], "abacus"),
        (["--samples", "0"], "samples"),
        (["--start", "100000"], "start"),
        (["--model", "never-heard-of"], "never-heard-of"),
    ],
)
def test_options_that_cannot_be_met_get_one_line(
    tmp_path: Path,
    ring_file: Path,
    small_model: Path,
    capfd: pytest.CaptureFixture[str],
    options: list[str],
    words: str,
) -> None:
    assert predict(ring_file, tmp_path / "out", small_model, *options) == 1
    assert words in one_line(capfd)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("fault", ["hash", "pickle"])
def test_a_model_folder_that_cannot_be_trusted_gets_one_line(
    tmp_path: Path, ring_file: Path, small_model: Path, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(small_model, model)
    if fault == "hash":
        with (model / "weights.safetensors").open("ab") as weights:
            weights.write(b"x")
    else:
        (model / "weights.pkl").write_bytes(pickle.dumps([1]))
    assert predict(ring_file, tmp_path / "out", model) == 1
    assert "model" in one_line(capfd)
    assert {p.name for p in tmp_path.iterdir()} == {"model"}


def test_an_output_folder_that_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, ring_file: Path, small_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    occupied = tmp_path / "a-file"
    occupied.write_text("not a folder")
    assert predict(ring_file, occupied / "out", small_model) == 1
    assert "a-file" in one_line(capfd)
    locked = Path("/proc")  # read-only even for root
    if os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
    assert predict(ring_file, locked / "out", small_model) == 1
    assert locked.name in one_line(capfd)


def test_usage_mistakes_exit_with_two(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["predict"]) == 2
    assert main(["predikt"]) == 2
    assert main(["predict", "x", "--out", "y", "--rv-insertion", "-1,2"]) == 2
    capfd.readouterr()


def test_the_command_writes_the_list_and_refuses_unknown_names(
    tmp_path: Path, ring_file: Path, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    assert predict(ring_file, out, small_model, "--no-diffusion", "--outputs", "segments, motion") == 0
    names = {"segments.csv", "function.csv", "thickness.csv", "motion.npz", "strain.json", ".lamod.json"}
    assert {p.name for p in out.iterdir()} == names
    assert predict(ring_file, other, small_model, "--outputs", "motion,movie") == 2
    assert "'movie' is not a part of a result" in capsys.readouterr().err
    assert not other.exists()
