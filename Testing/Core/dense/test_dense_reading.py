"""Reading DENSE from workspaces, arrays and DICOM; faulty input is reported in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy.io import savemat

from LaMoDCore.cli import main
from LaMoDCore.dense import DenseImages, read_dense
from LaMoDCore.heart.ring.curves import closed_curve, inside_polygon, ring_mask
from LaMoDCore.io.dense.dicom import parse_comment
from LaMoDCore.io.dense.images import phase_in_radians
from LaMoDCore.io.dense.timing import dense_timing
from LaMoDCore.runtime.errors import LaMoDInputError

T, H, W = 6, 20, 24
ORIENTATION = [0.8, 0.0, -0.6, 0.0, 1.0, 0.0]


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Magnitude and the x and y phase in 12 bits, [T, H, W]."""
    rng = np.random.default_rng(seed)
    magnitude = rng.integers(100, 900, (T, H, W)).astype(np.uint16)
    x, y = (rng.integers(0, 4096, (T, H, W)).astype(np.uint16) for _ in range(2))
    return magnitude, x, y


def radians(stored: np.ndarray) -> np.ndarray:
    return 2 * np.pi * stored / 4095.0 - np.pi


def same_angle(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-5) -> bool:
    return bool(np.abs(np.angle(np.exp(1j * (a.astype(float) - b)))).max() < tolerance)


# --- workspaces ------------------------------------------------------------------------------------------------


def workspace(path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """A DENSEanalysis workspace with contours of control points."""
    magnitude, x, y = pictures()
    header = {
        "PixelSpacing": np.array([2.0, 2.5]),
        "ImagePositionPatient": np.array([-10.0, 5.0, 30.0]),
        "ImageOrientationPatient": np.array(ORIENTATION),
        "SliceThickness": 8.0,
        "RepetitionTime": 15.0,
        "TriggerTime": np.array([[20.0 + 17 * t] for t in range(T)], dtype=object),
        "NominalInterval": np.array([[850.0]] * T, dtype=object),
        "TranslationRC": np.array([0.0, 0.0]),
    }
    angles = 2 * np.pi * np.arange(8) / 8
    contours = np.empty((T, 2), dtype=object)
    for t in range(T):
        for k, radius in enumerate((7.0, 4.0)):
            # from 1, as MATLAB counts
            contours[t, k] = np.column_stack([13 + radius * np.cos(angles), 11 + radius * np.sin(angles)])
    series, images = np.empty(3, dtype=object), np.empty(3, dtype=object)
    for k, stack in enumerate((magnitude, x, y)):
        series[k], images[k] = dict(header), np.moveaxis(stack, 0, 2)
    content: dict[str, Any] = {
        "seq": series,
        "img": images,
        "dns": {
            "Name": "auto.1", "Type": "xy", "MagIndex": [1.0, 1.0, np.nan], "PhaIndex": [2.0, 3.0, np.nan],
            "Scale": [1.0, 2.0, np.nan], "EncFreq": [0.1, 0.08, np.nan], "SwapFlag": 0.0, "NegFlag": [1.0, 0.0, 0.0],
            "PixelSpacing": [2.0, 2.5], "Number": float(T),
        },
        "roi": {"Name": "apical", "Type": "SA", "SeqIndex": [1.0, 2.0, 3.0], "Position": contours},
    }  # fmt: skip
    if change:
        change(content)
    savemat(path, content, appendmat=False)
    return path


def test_workspace_is_read_like_denseanalysis(tmp_path: Path) -> None:
    (images,) = read_dense(workspace(tmp_path / "a.dns"))
    magnitude, x, y = pictures()
    assert images.phase.shape == (T, 2, H, W)
    assert same_angle(images.phase[:, 0], -radians(x)), "NegFlag negates x"
    assert same_angle(images.phase[:, 1], radians(y))
    assert np.array_equal(images.magnitude, magnitude)
    assert images.ke == (pytest.approx(0.1), pytest.approx(0.16))
    assert images.frame_times_ms.tolist() == [20.0 + 17 * t for t in range(T)]
    assert images.rr_ms == 850
    assert images.level == "apex"
    assert images.grid.spacing_mm == (pytest.approx(2.5), pytest.approx(2.0)), "PixelSpacing is row, column"
    assert np.allclose(images.grid.pixel_to_lps([0, 0]), [-10, 5, 30])
    assert np.allclose(images.grid.directions[:, 0], ORIENTATION[:3])
    wall = images.myocardium[0]
    assert wall[10, 12 + 5]
    assert not wall[10, 12]
    assert wall.sum() == pytest.approx(np.pi * (49 - 16), rel=0.1)


def test_swap_flag_exchanges_axes_before_signs(tmp_path: Path) -> None:
    def swap(content: dict[str, Any]) -> None:
        content["dns"]["SwapFlag"] = 1.0

    (images,) = read_dense(workspace(tmp_path / "a.dns", swap))
    _, x, y = pictures()
    assert same_angle(images.phase[:, 0], -radians(y))
    assert same_angle(images.phase[:, 1], radians(x))
    assert images.ke == (pytest.approx(0.16), pytest.approx(0.1))


def test_a_shift_of_the_series_is_applied(tmp_path: Path) -> None:
    def shift(content: dict[str, Any]) -> None:
        content["seq"][0]["TranslationRC"] = np.array([2.0, -3.0])

    (images,) = read_dense(workspace(tmp_path / "a.dns", shift))
    assert images.magnitude[0, 7, 4] == pictures()[0][0, 5, 7]


def remove_encoding(content: dict[str, Any]) -> None:
    content["dns"]["EncFreq"] = [np.nan] * 3


def shorten_phase(content: dict[str, Any]) -> None:
    content["img"][2] = content["img"][2][:, :, :-1]


def phase_in_16_bits(content: dict[str, Any]) -> None:
    content["img"][1] = content["img"][1].astype(np.uint16) * 9


def no_y(content: dict[str, Any]) -> None:
    content["dns"]["PhaIndex"] = [2.0, np.nan, np.nan]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_encoding, "ke is missing"),
        (shorten_phase, "do not belong together"),
        (phase_in_16_bits, "12-bit phase ranges from 0 to 4095"),
        (no_y, "no group with both x and y phase"),
        (lambda c: c.pop("img"), "no 'img'"),
        (lambda c: c["dns"].update(PhaIndex=[2.0, 9.0, np.nan]), "no series 9"),
    ],
)
def test_faulty_workspaces_are_refused(tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str) -> None:
    with pytest.raises(LaMoDInputError, match=message):
        read_dense(workspace(tmp_path / "a.dns", change))


def test_ke_of_the_user_replaces_a_missing_one(tmp_path: Path) -> None:
    (images,) = read_dense(workspace(tmp_path / "a.dns", remove_encoding), ke=0.12)
    assert images.ke == (0.12, 0.12)


@pytest.mark.parametrize("kind", ["cut", "noise", "empty", "flipped"])
def test_a_corrupt_workspace_is_reported_in_one_line(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = workspace(tmp_path / "good.dns").read_bytes()
    rng = np.random.default_rng(0)
    broken = {
        "cut": whole[: len(whole) // 3],
        "noise": rng.bytes(4000),
        "empty": b"",
        "flipped": whole[:136] + rng.bytes(600) + whole[736:],
    }[kind]
    (tmp_path / "bad.dns").write_bytes(broken)
    assert main(["dense", str(tmp_path / "bad.dns"), "--out", str(tmp_path / "out"), "--progress", "none"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "bad.dns" in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


# --- arrays ----------------------------------------------------------------------------------------------------


def arrays(folder: Path, **changes: Any) -> Path:
    """Write a folder of arrays; a change of None removes the key."""
    folder.mkdir(exist_ok=True)
    magnitude, x, y = pictures()
    data = {"magnitude": magnitude, "phase_x": radians(x), "phase_y": radians(y)}
    settings: dict[str, Any] = {
        "ke_cycles_per_mm": 0.1, "spacing_mm": [2.5, 2.0], "frame_ms": 17, "rr_ms": 900,
    }  # fmt: skip
    for key, value in changes.items():
        if isinstance(value, np.ndarray):
            data[key] = value
        else:
            settings[key] = value
    for name, values in data.items():
        np.save(folder / f"{name}.npy", values)
    text = json.dumps({k: v for k, v in settings.items() if v is not None})
    (folder / "dense.json").write_text(text, encoding="utf-8")
    return folder


def test_arrays_are_read(tmp_path: Path) -> None:
    (images,) = read_dense(arrays(tmp_path / "a", negate=[False, True]))
    _, x, y = pictures()
    assert same_angle(images.phase[:, 0], radians(x))
    assert same_angle(images.phase[:, 1], -radians(y))
    assert images.frame_times_ms.tolist() == [17.0 * (t + 1) for t in range(T)]
    assert images.grid.spacing_mm == (2.5, 2.0)
    assert images.myocardium is None


@pytest.mark.parametrize(("units", "factor"), [("degrees", 180 / np.pi), ("cycles", 0.5 / np.pi)])
def test_phase_units_can_be_given(tmp_path: Path, units: str, factor: float) -> None:
    _, x, y = pictures()
    folder = arrays(tmp_path / "a", phase_x=radians(x) * factor, phase_y=radians(y) * factor, phase_units=units)
    (images,) = read_dense(folder)
    assert same_angle(images.phase[:, 0], radians(x))


def test_an_additional_mask_is_the_reference(tmp_path: Path) -> None:
    masks = np.zeros((T + 1, H, W), dtype=np.uint8)
    masks[:, 5:15, 5:15] = 1
    masks[0, 5] = 0
    (images,) = read_dense(arrays(tmp_path / "a", mask=masks))
    assert images.myocardium.shape == (T, H, W)
    assert images.reference_myocardium.sum() == 90


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phase_x": np.full((T, H, W), 170.0)}, "runs from 170 to 170, outside ±3.142 of wrapped radians"),
        ({"phase_x": pictures()[1]}, "outside ±3.142 of wrapped radians"),
        ({"phase_units": "furlongs"}, "phase_units is 'furlongs'"),
        ({"phase_y": np.full((T, H, W), np.nan)}, "not finite"),
        ({"phase_y": np.zeros((T - 1, H, W))}, "do not belong together: magnitude 6 frames"),
        ({"magnitude": np.ones((T, H, W + 1))}, "do not belong together"),
        ({"magnitude": np.ones((H, W))}, "must be .N, N, N."),
        ({"ke_cycles_per_mm": None}, "ke is missing"),
        ({"ke_cycles_per_mm": 40.0}, "40 cycles/mm is implausible"),
        ({"ke_cycles_per_mm": "0.1 or so"}, "ke_cycles_per_mm must be a number"),
        ({"spacing_mm": None}, "the pixel size is missing"),
        ({"frame_times_ms": [1, 2, 2, 3, 4, 5]}, "frame_times_ms do not increase"),
        ({"frame_times_ms": [20, 40, 60]}, "3 frame_times_ms for 6 frames"),
        ({"rr_ms": float("nan")}, "rr_ms is not finite"),
        ({"ijk_to_lps": [[1, 0], [0, 1]]}, "ijk_to_lps must be 4 × 4 numbers"),
        ({"spacing_mm": [0.0025, 0.0025]}, "is implausible"),
        ({"rr_ms": 300, "frame_ms": 90}, "beyond the R–R interval of 300 ms"),
        ({"frame_ms": 900}, "a frame duration of 900 ms is implausible"),
        ({"mask": np.ones((T + 3, H, W))}, "9 masks for 6 DENSE frames"),
        ({"mask": np.ones((T, H, W + 2))}, "draw it on the pixels of the DENSE images"),
        ({"level": "top"}, "level is 'top'"),
        ({"ke": 0.1}, "unknown key 'ke'"),
    ],
)
def test_faulty_arrays_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LaMoDInputError, match=message):
        read_dense(arrays(tmp_path / "a", **changes))


def test_faulty_files_are_refused(tmp_path: Path) -> None:
    folder = arrays(tmp_path / "a")
    (folder / "phase_x.npy").write_bytes(b"no numbers")
    with pytest.raises(LaMoDInputError, match="cannot be read"):
        read_dense(folder)
    (folder / "phase_x.npy").unlink()
    with pytest.raises(LaMoDInputError, match="phase_x array is missing"):
        read_dense(folder)
    (folder / "dense.json").write_text("{", encoding="utf-8")
    with pytest.raises(LaMoDInputError, match="not JSON"):
        read_dense(folder)
    with pytest.raises(LaMoDInputError, match="no such file"):
        read_dense(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LaMoDInputError, match=r"no dense\.json"):
        read_dense(tmp_path / "empty")
    (tmp_path / "x.txt").write_text("x", encoding="utf-8")
    with pytest.raises(LaMoDInputError, match="not DENSE data"):
        read_dense(tmp_path / "x.txt")


# --- DICOM -----------------------------------------------------------------------------------------------------


def dicom_series(
    folder: Path, kind: str, stack: np.ndarray, *, comment: str = "", position: float = 0.0, encoding: bool = True
) -> None:
    """Write one series as single-frame DICOM; the order of the file names is not that of the frames."""
    folder.mkdir(exist_ok=True)
    series = generate_uid()
    for t, picture in enumerate(stack):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        image.SOPClassUID, image.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        image.SeriesInstanceUID, image.Modality = series, "MR"
        ke = "Scale:1.000000 EncFreq:0.10 " if encoding and "pha" in kind else ""
        tail = comment or "RCswap:0 RCSflip:1/0/0"
        image.ImageComments = f"DENSE {kind} - {ke}Rep:0/1 Slc:0/1 Par:0/1 Phs:{t}/{T} {tail}"
        image.TriggerTime, image.NominalInterval, image.RepetitionTime = 17.0 * (t + 1), 870, 17.0
        image.ImagePositionPatient = [0.0, 0.0, position]
        image.ImageOrientationPatient = ORIENTATION
        image.PixelSpacing, image.SliceThickness = [2.0, 2.5], 8.0
        image.Rows, image.Columns = picture.shape
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
        image.PixelData = np.ascontiguousarray(picture, dtype=np.uint16).tobytes()
        image.save_as(folder / f"{(t * 5) % T}-{kind[0]}{kind[-3:]}-{series[-6:]}.dcm", enforce_file_format=True)


def dicom_scan(folder: Path, **options: Any) -> Path:
    magnitude, x, y = pictures()
    dicom_series(folder, "overall mag", magnitude)
    dicom_series(folder, "x-enc pha", x, **options)
    dicom_series(folder, "y-enc pha", y, **options)
    return folder


def test_dicom_is_read_in_the_order_of_its_frames(tmp_path: Path) -> None:
    (images,) = read_dense(dicom_scan(tmp_path / "d"))
    magnitude, x, y = pictures()
    assert np.array_equal(images.magnitude, magnitude)
    assert same_angle(images.phase[:, 0], -radians(x))
    assert same_angle(images.phase[:, 1], radians(y))
    assert images.ke == (0.1, 0.1)
    assert images.rr_ms == 870
    assert images.frame_times_ms.tolist() == [17.0 * (t + 1) for t in range(T)]
    assert images.grid.spacing_mm == (pytest.approx(2.5), pytest.approx(2.0))


def test_faulty_dicom_is_refused(tmp_path: Path) -> None:
    magnitude, x, _ = pictures()
    cases: dict[str, tuple[Callable[[Path], Any], str]] = {
        "two": (lambda f: (dicom_scan(f), dicom_series(f, "x-enc pha", x)), "2 x phase series are mixed"),
        "slices": (
            lambda f: (dicom_scan(f), dicom_series(f, "z-enc pha", x, position=12.0)),
            "slice 1: the x phase images are missing",
        ),
        "short": (
            lambda f: (dicom_series(f, "overall mag", magnitude[:-2]), dicom_series(f, "x-enc pha", x),
                       dicom_series(f, "y-enc pha", x)),
            "do not belong together: magnitude 4 frames",
        ),
        "lonely": (lambda f: dicom_series(f, "overall mag", magnitude), "x phase images are missing"),
        "nomag": (
            lambda f: (dicom_series(f, "x-enc pha", x), dicom_series(f, "y-enc pha", x)),
            "magnitude images are missing",
        ),
        "noke": (lambda f: dicom_scan(f, encoding=False), "ke is missing"),
    }  # fmt: skip
    for name, (write, message) in cases.items():
        write(tmp_path / name)
        with pytest.raises(LaMoDInputError, match=message):
            read_dense(tmp_path / name)


def test_slices_of_one_folder_are_read_from_base_to_apex_each_with_its_own_encodings(tmp_path: Path) -> None:
    magnitude, x, y = pictures()
    folder = tmp_path / "d"
    for position, ke in ((0.0, "0.10"), (12.0, "0.08")):
        for kind, stack in (("overall mag", magnitude), ("x-enc pha", x), ("y-enc pha", y), ("z-enc pha", y)):
            encoding = f"EncFreq:{ke if kind[0] != 'y' else '0.12'} Scale:1.000000 RCswap:0 RCSflip:0/0/0"
            dicom_series(folder, kind, stack, position=position, encoding=False, comment=encoding)
    found = read_dense(folder)
    assert [images.name for images in found] == ["slice 1", "slice 2"]
    # z grows towards the head: the base lies above the apex
    assert [images.grid.pixel_to_lps([0, 0])[2] for images in found] == [12.0, 0.0]
    assert [images.ke for images in found] == [(0.08, 0.12), (0.1, 0.12)]
    assert same_angle(found[1].phase[:, 1], radians(y))


def test_other_dicom_is_refused(tmp_path: Path) -> None:
    folder = dicom_scan(tmp_path / "d")
    for file in folder.iterdir():
        image = pydicom.dcmread(file)
        image.ImageComments = "cine"
        image.save_as(file)
    with pytest.raises(LaMoDInputError, match="none of its 18 DICOM files is a DENSE image"):
        read_dense(folder)


def test_comments() -> None:
    found = parse_comment(
        "DENSE y-enc pha - Scale:2.309401 EncFreq:0.08 Rep:0/1 Slc:0/1 Par:0/1 Phs:3/35 RCswap:1 RCSflip:1/0/0"
    )
    assert found is not None
    assert (found.kind, found.frame, found.frames, found.swap, found.negate) == ("pha.y", 3, 35, True, (True, False))
    assert found.scale * found.encoding == pytest.approx(0.18475208)
    assert parse_comment("cine ssfp") is None
    assert parse_comment("DENSE something") is None


# --- parts -----------------------------------------------------------------------------------------------------


def test_implausible_times_are_not_used() -> None:
    good = dense_timing("a", 4, trigger_ms=[0, 16, 33, 49], rr_ms=800)
    assert good.frame_times_ms.tolist() == [16, 32, 49, 65]
    counted = dense_timing("a", 4, trigger_ms=[1, 2, 3, 4], repetition_ms=15, rr_ms=800)
    assert counted.frame_times_ms.tolist() == [15, 30, 45, 60]
    assert [note.code for note in counted.notes if note.code.startswith("dense_frame")] == [
        "dense_frame_step_from_repetition"
    ]
    nothing = dense_timing("a", 4)
    assert nothing.rr_ms == 1000
    assert len(nothing.notes) == 2
    by_hand = dense_timing("a", 4, trigger_ms=[10, 20, 30, 40], frame_ms=20, rr_ms=700)
    assert by_hand.frame_times_ms.tolist() == [20, 40, 60, 80]


def test_12_bit_phase_covers_the_full_circle() -> None:
    found = phase_in_radians(np.array([0.0, 2047.5, 4095.0]), "12bit", "x")
    assert np.allclose(found, [-np.pi, 0, np.pi], atol=1e-6)


def test_control_points_define_a_curve() -> None:
    angles = 2 * np.pi * np.arange(7) / 7
    points = np.column_stack([20 + 10 * np.cos(angles), 20 + 10 * np.sin(angles)])
    curve = closed_curve(points)
    assert np.abs(np.hypot(*(curve - 20).T) - 10).max() < 0.3
    assert inside_polygon(curve, (40, 40)).sum() == pytest.approx(np.pi * 100, rel=0.03)
    assert closed_curve(np.repeat(points, 6, axis=0)[:, :]).shape[0] > 100, "doubled points are one"


def test_pixels_on_a_traced_contour_belong_to_the_wall() -> None:
    outer = np.array([[2, 2], [12, 2], [12, 12], [2, 12]], dtype=float)
    inner = np.array([[5, 5], [9, 5], [9, 9], [5, 9]], dtype=float)
    dense_outer = np.concatenate(
        [np.linspace(a, b, 10, endpoint=False) for a, b in zip(outer, np.roll(outer, -1, 0), strict=True)]
    )
    dense_inner = np.concatenate(
        [np.linspace(a, b, 10, endpoint=False) for a, b in zip(inner, np.roll(inner, -1, 0), strict=True)]
    )
    mask = ring_mask(dense_outer, dense_inner, (16, 16))
    assert mask.sum() == 11 * 11 - 3 * 3


def test_inconsistent_images_are_refused(tmp_path: Path) -> None:
    (good,) = read_dense(arrays(tmp_path / "a"))
    for change in (
        {"frame_times_ms": np.zeros(T)},
        {"frame_times_ms": np.arange(T) * 10.0},
        {"phase": good.phase[:, :1]},
        {"myocardium": np.ones((T, 2, 2), bool)},
    ):
        fields = {name: getattr(good, name) for name in good.__dataclass_fields__} | change
        with pytest.raises(ValueError, match="must"):
            DenseImages(**fields)
