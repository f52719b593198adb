"""`lamod dense` from arrays to a dataset folder, and the segmentation of magnitude images."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from contracting_annulus import SHORT_SCAN, scan

from LaMoDCore.cli import main
from LaMoDCore.dense.segmentation import find_center, guess_ring
from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case
from LaMoDCore.io.dense.images import DenseImages
from LaMoDCore.io.dense.masks import with_masks
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.phantom.imaging.dense_imaging import SimulatedDense
from LaMoDCore.runtime.errors import LaMoDInputError


@pytest.fixture(scope="module")
def simulated() -> SimulatedDense:
    return scan(protocol=replace(SHORT_SCAN, frame_ms=50.0, first_frame_ms=50.0))


@pytest.fixture
def without_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file in place of the picture, which takes most of the time and which other tests draw."""
    monkeypatch.setattr("LaMoDCore.dense.picture.write_picture", lambda file, *_, **__: file.touch())


def as_arrays(folder: Path, images: DenseImages, *, mask: bool = True) -> Path:
    folder.mkdir()
    np.save(folder / "magnitude.npy", images.magnitude)
    np.save(folder / "phase_x.npy", images.phase[:, 0])
    np.save(folder / "phase_y.npy", images.phase[:, 1])
    if mask:
        np.save(folder / "mask.npy", images.myocardium)
    settings = {
        "ke_cycles_per_mm": list(images.ke),
        "ijk_to_lps": images.grid.ijk_to_lps.tolist(),
        "frame_times_ms": images.frame_times_ms.tolist(),
        "rr_ms": images.rr_ms,
    }
    (folder / "dense.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def test_a_scan_becomes_a_case(tmp_path: Path, simulated: SimulatedDense, capsys: pytest.CaptureFixture[str]) -> None:
    folder = as_arrays(tmp_path / "subject 7", simulated.images)
    out = tmp_path / "dataset"
    words = ["dense", str(folder), "--out", str(out), "--site", "A", "--split", "test", "--level", "base"]
    assert main([*words, "--progress", "json"]) == 0
    output = capsys.readouterr()
    stages = [json.loads(line)["stage"] for line in output.err.splitlines()]
    assert stages
    assert str(out / "cases" / "subject-7") in output.out
    (entry,) = DatasetIndex.load(out).entries
    assert (entry.id, entry.subject, entry.site, entry.split) == ("subject-7", "subject-7", "A", "test")
    case = read_dataset_case(out, entry.id, pictures=True)
    frames = simulated.images.frames
    assert case.displacement_mm.shape == (frames + 1, 1, 48, 48, 3)
    assert case.level == "base"
    assert case.reference_frame == 0
    assert case.frame_times_ms[0] == 0
    assert np.allclose(case.frame_times_ms[1:], simulated.images.frame_times_ms)
    assert case.details["covers_phase"][1] == pytest.approx(case.frame_times_ms[-1] / case.rr_ms, abs=1e-3)
    wall = case.masks[0, 0] & simulated.reference_myocardium
    found = simulated.images.grid.vectors_from_lps(case.displacement_mm[1:, 0][:, wall])
    truth = np.moveaxis(simulated.displacement_mm[:, :, wall], 1, -1)
    assert np.sqrt(((found - truth) ** 2).sum(axis=-1).mean()) < 0.25
    assert np.array_equal(case.valid[0], case.masks[0])
    assert np.isnan(case.displacement_mm[:, ~case.masks[0]]).all()
    quality = (out / "cases" / entry.id / "quality.csv").read_text(encoding="utf-8").splitlines()
    assert len(quality) == frames + 1
    assert quality[0].startswith("frame,time_ms,pixels,phase_noise_rad")


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path, simulated: SimulatedDense) -> None:
    folder = as_arrays(tmp_path / "a", simulated.images)
    for out in ("one", "two"):
        assert main(["dense", str(folder), "--out", str(tmp_path / out), "--progress", "none"]) == 0
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len([file for file in files if not file.name.startswith(".lamod")]) == 7
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


@pytest.mark.usefixtures("without_picture")
def test_several_scans_are_one_dataset(tmp_path: Path, simulated: SimulatedDense) -> None:
    folders = [str(as_arrays(tmp_path / name, simulated.images)) for name in ("a", "b")]
    assert main(["dense", *folders, "--out", str(tmp_path / "out"), "--progress", "none"]) == 0
    assert [e.id for e in DatasetIndex.load(tmp_path / "out").entries] == ["a", "b"]


@pytest.mark.usefixtures("without_picture")
def test_scans_are_added_and_files_of_others_are_kept(
    tmp_path: Path, simulated: SimulatedDense, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    one, two = (str(as_arrays(tmp_path / name, simulated.images)) for name in ("a", "b"))
    options = ["--out", str(out), "--progress", "none", "--smoothing-mm", "3"]
    assert main(["dense", one, *options, "--split", "test"]) == 0
    (out / "notes.docx").write_text("mine")
    assert main(["dense", two, *options]) == 0
    assert [(e.id, e.split) for e in DatasetIndex.load(out)] == [("a", "test"), ("b", "train")]
    capsys.readouterr()
    assert main(["dense", one, *options]) == 1
    assert "it contains the case 'a' already" in capsys.readouterr().err
    assert main(["dense", one, *options, "--overwrite", "--site", "B"]) == 0
    assert [(e.id, e.split, e.site) for e in DatasetIndex.load(out)] == [("a", "test", "B"), ("b", "train", "")]
    (out / "cases" / "a" / "mine.txt").write_text("mine")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert main(["dense", one, *options, "--overwrite"]) == 1
    assert "mine.txt" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "out"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no myocardium is drawn"),
        (["--smoothing-mm", "90"], "90 is out of range"),
        (["--background-order", "9"], "9 is out of range"),
        (["--masks", "nothing.nii.gz"], "no such file"),
        (["--ke", "77", "--segment"], "77 cycles/mm is implausible"),
    ],
)
def test_faults_are_reported_in_one_line(
    tmp_path: Path, simulated: SimulatedDense, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = as_arrays(tmp_path / "a", simulated.images, mask=False)
    assert main(["dense", str(folder), "--out", str(tmp_path / "out"), "--progress", "none", *words]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert message in line
    assert not (tmp_path / "out").exists()


def test_options_of_one_scan_are_refused_for_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dense", "a", "b", "--masks", "m.npy", "--out", str(tmp_path / "out")]) == 1
    assert "apply to one scan" in capsys.readouterr().err


def test_masks_from_files(tmp_path: Path, simulated: SimulatedDense) -> None:
    images = replace(simulated.images, myocardium=None)
    drawn = simulated.images.myocardium
    np.save(tmp_path / "m.npy", drawn)
    assert np.array_equal(with_masks(images, tmp_path / "m.npy").myocardium, drawn)
    more = np.concatenate([simulated.reference_myocardium[None], drawn])
    labels = np.where(more, 2, 0).astype(np.uint8)
    times = np.concatenate([[0.0], images.frame_times_ms])
    write_seq_nrrd(tmp_path / "m.seq.nrrd", labels[:, None], images.grid.ijk_to_lps, times, rr_ms=900.0)
    found = with_masks(images, tmp_path / "m.seq.nrrd", "myo=2")
    assert np.array_equal(found.myocardium, drawn)
    assert np.array_equal(found.reference_myocardium, simulated.reference_myocardium)
    np.save(tmp_path / "small.npy", drawn[:, :-4])
    with pytest.raises(LaMoDInputError, match="48 × 44 pixels, the DENSE images 48 × 48"):
        with_masks(images, tmp_path / "small.npy")
    np.save(tmp_path / "few.npy", drawn[:4])
    with pytest.raises(LaMoDInputError, match="4 masks for"):
        with_masks(images, tmp_path / "few.npy")


def test_segmentation_finds_the_ring(simulated: SimulatedDense) -> None:
    images = simulated.images
    center = find_center(images.magnitude, images.grid.spacing_mm)
    assert np.hypot(center[0] - 23.5, center[1] - 23.5) < 3
    guess = guess_ring(images.magnitude, images.grid.spacing_mm)
    dice = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in zip(guess.masks, images.myocardium, strict=True)]
    assert min(dice[1:]) > 0.75
    assert np.mean(dice) > 0.82
    assert (np.diff(guess.epicardium_mm - guess.endocardium_mm, axis=1) < 5).all()


def test_segmentation_without_a_ring_is_refused() -> None:
    flat = np.random.default_rng(0).rayleigh(1.0, (6, 64, 64)).astype(np.float32)
    flat[:, 20:44, 20:44] = 3.0
    flat[:, 31:34, 31:34] = 3.2
    with pytest.raises(LaMoDInputError, match="no bright ring"):
        guess_ring(flat, (2.65, 2.65), (32.0, 32.0))
