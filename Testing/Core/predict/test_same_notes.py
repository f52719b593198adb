"""`lamod check`, `lamod info` and `lamod predict` report the same notes on an input, and refuse the same inputs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "input_kinds"))

from heart_files import FRAMES, MYO, RR_MS, heart_labels, stack_affine, write_nifti, write_seg
from plain_export import AFFINE, IDENTITY, LABELS, PlainExport, write_transforms

from LaMoDCore.cli import main
from LaMoDCore.cli.shared import notes
from LaMoDCore.contours.input_notes import NEED_MOTION
from LaMoDCore.heart.notes import Note
from LaMoDCore.io.files.image_file import read_images

FEW = LABELS[::2]
FEW_MS = 2 * RR_MS / FRAMES
STACK_SHAPE = (36, 40)
STACK_AFFINE = stack_affine(STACK_SHAPE, (3.0, 3.0), slices=2)
STACK = heart_labels(STACK_AFFINE, STACK_SHAPE, slices=2)[::2]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> PlainExport:
    return PlainExport(tmp_path_factory.mktemp("plain"))


def write_plain(path: Path) -> None:
    write_nifti(path, FEW, AFFINE, frame_ms=FEW_MS)


def write_faults(path: Path) -> None:
    """An island, a hole, a frame that jumps, labels that are no whole numbers, and two transforms."""
    labels = FEW.copy()
    labels[3, 0, 1, 1] = MYO
    labels[5] = np.roll(labels[5], 3, axis=-1)
    rows, columns = np.nonzero(labels[2, 0] == MYO)
    thick = [
        (y, x) for y, x in zip(rows, columns, strict=True) if (labels[2, 0, y - 1 : y + 2, x - 1 : x + 2] == MYO).all()
    ]
    labels[2, 0][thick[0]] = 0
    soft = (labels * 1.002).astype(np.float32)
    write_transforms(path, soft, sform=AFFINE, qform=IDENTITY @ AFFINE)


def write_stack(path: Path) -> None:
    """One of two slices is open, and both lie on the scanner's axes."""
    labels = STACK.copy()
    labels[5, 1, :, 18:24][labels[5, 1, :, 18:24] == MYO] = 0
    write_nifti(path, labels, np.diag([3.0, 3.0, 16.0, 1.0]), frame_ms=FEW_MS)


def write_open_ring(path: Path) -> None:
    labels = FEW.copy()
    labels[5, 0, :, 20:30][labels[5, 0, :, 20:30] == MYO] = 0
    write_nifti(path, labels, AFFINE, frame_ms=FEW_MS)


INPUTS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "plain": (write_plain, {"rr_assumed", "labels_by_shape", "levels_proposed", "rv_insertion_assumed"}),
    "faults": (
        write_faults,
        {"contour_island", "contour_centre_jump", "stray_pixels", "labels_rounded",
         "transforms_disagree"},
    ),
    "slice left out": (write_stack, {"slice_left_out", "contour_open_ring", "orientation_on_axes"}),
    "segmentation": (lambda path: write_seg(path, STACK[:9, :1], STACK_AFFINE), {"insertion_from_label"}),
}  # fmt: skip
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "open ring": (write_open_ring, "not a closed ring"),
    "few frames": (lambda path: write_nifti(path, LABELS[:6], AFFINE, frame_ms=100), "6 frames and at least 8"),
    "unit pixels": (lambda path: write_nifti(path, FEW, IDENTITY, frame_ms=FEW_MS), "unit pixels"),
}


class Commands:
    """The notes of each command on one input."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.printed: list[Note] = []
        self.capsys = capsys
        monkeypatch.setattr(notes, "note_lines", self._record)

    def _record(self, found: object) -> list[str]:
        self.printed = list(found)  # type: ignore[call-overload]
        return []

    def info(self, masks: Path, *more: str) -> set[str]:
        self.printed = []
        assert main(["info", str(masks), *more]) == 0
        return {each.code for each in self.printed}

    def check(self, masks: Path, *more: str) -> set[str]:
        self.capsys.readouterr()
        assert main(["check", str(masks), "--json", *more]) in (0, 3)
        return {each["code"] for each in json.loads(self.capsys.readouterr().out)["notes"]}

    def predict(self, masks: Path, model: Path, out: Path, *more: str) -> set[str]:
        options = ["--out", str(out), "--model", str(model), "--progress", "none", "--no-report", "--no-diffusion"]
        assert main(["predict", str(masks), *more, *options]) == 0
        stored = json.loads((out / "strain.json").read_text(encoding="utf-8"))["notes"]
        assert {each["code"] for each in stored} == {each.code for each in self.printed}
        return {each["code"] for each in stored}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(monkeypatch, capsys)


@pytest.mark.parametrize("name", INPUTS)
def test_the_commands_agree(tmp_path: Path, commands: Commands, small_model: Path, name: str) -> None:
    write, expected = INPUTS[name]
    masks = tmp_path / "masks.nii"
    write(masks)
    predicted = commands.predict(masks, small_model, tmp_path / "out")
    assert expected <= predicted
    assert commands.check(masks) == commands.info(masks) == predicted - NEED_MOTION


@pytest.mark.parametrize("name", ["default geometry", "off the cine"])
def test_the_commands_agree_with_a_cine(
    tmp_path: Path, commands: Commands, small_model: Path, plain: PlainExport, name: str
) -> None:
    masks = tmp_path / "masks.nii"
    if name == "default geometry":
        write_nifti(masks, LABELS, IDENTITY)
        expected = "cine_pixels_assumed"
    else:
        write_nifti(masks, np.roll(LABELS, 2, axis=-1), AFFINE)
        expected = "contour_out_of_register"
    more = ("--cine", str(plain.cine))
    predicted = commands.predict(masks, small_model, tmp_path / "out", *more)
    assert expected in predicted
    assert commands.check(masks, *more) == commands.info(masks, *more) == predicted - NEED_MOTION


def two_files(folder: Path) -> list[str]:
    """End-diastole and end-systole of one plane, as two 3-D files."""
    paths = [folder / "frame01.nii", folder / "frame10.nii"]
    for path, frame in zip(paths, (0, 9), strict=True):
        write_nifti(path, LABELS[frame], AFFINE)
    return [str(path) for path in paths]


def test_the_commands_join_the_frames_of_two_files(
    tmp_path: Path, commands: Commands, small_model: Path, plain: PlainExport
) -> None:
    first, second = two_files(tmp_path)
    more = (second, "--cine", str(plain.cine), "--mask-frames", "0,9")
    predicted = commands.predict(Path(first), small_model, tmp_path / "out", *more)
    assert {"masks_joined", "contours_carried"} <= predicted
    assert commands.info(Path(first), *more) == predicted - NEED_MOTION
    commands.capsys.readouterr()
    assert main(["check", first, *more, "--json"]) == 0
    found = json.loads(commands.capsys.readouterr().out)
    assert {each["code"] for each in found["notes"]} == predicted - NEED_MOTION
    (slice_,) = found["slices"]
    drawn = [frame for frame, light in enumerate(slice_["lights"]) if light != "not drawn"]
    assert drawn == [0, 9] and found["findings"] == []


def test_check_lists_two_drawn_frames_whose_frames_in_the_cine_are_unknown(
    tmp_path: Path, commands: Commands, plain: PlainExport
) -> None:
    first, second = two_files(tmp_path)
    more = (second, "--cine", str(plain.cine))
    assert "input_refused" in commands.info(Path(first), *more)
    commands.capsys.readouterr()
    assert main(["check", first, *more, "--json"]) == 3
    found = json.loads(commands.capsys.readouterr().out)
    assert [each["frames"] for each in found["slices"]] == [2]
    (refusal,) = (each for each in found["notes"] if each["code"] == "input_refused")
    assert "2 frames are drawn in its plane and the cine has 25" in refusal["text"]


def test_repaired_masks_of_two_files_are_one_sequence(tmp_path: Path, plain: PlainExport) -> None:
    first, second = two_files(tmp_path)
    labels = LABELS[9].copy()
    labels[0, 1, 1] = MYO  # an island
    write_nifti(tmp_path / "frame10.nii", labels, AFFINE)
    more = ["--cine", str(plain.cine), "--mask-frames", "0,9"]
    assert main(["check", first, second, *more, "--fix", "islands", "--out", str(tmp_path / "fixed")]) == 3
    (fixed,) = (tmp_path / "fixed").glob("repaired_*.seq.nrrd")
    (stack,) = read_images(fixed)
    expected = np.zeros_like(LABELS)
    expected[[0, 9]] = LABELS[[0, 9]]
    assert np.array_equal(stack.frames, expected)


@pytest.mark.parametrize("name", REFUSED)
def test_the_commands_refuse_the_same(
    tmp_path: Path, commands: Commands, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write, words = REFUSED[name]
    masks = tmp_path / "masks.nii"
    write(masks)
    assert main(["predict", str(masks), "--out", str(tmp_path / "out"), "--progress", "none"]) == 1
    assert words in capsys.readouterr().err
    assert "input_refused" in commands.info(masks)
    assert any(words in each.text for each in commands.printed)
    assert "input_refused" in commands.check(masks)
    assert main(["check", str(masks)]) == 3
