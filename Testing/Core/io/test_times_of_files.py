"""Frame times in any unit and place are those of the plain export, or the input is refused; contradictions noted."""

import gzip
import json
import struct
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from heart_files import RR_MS, heart_cine, heart_labels, stack_affine, write_dicom_frames, write_nifti

from LaMoDCore.io import load_case
from LaMoDCore.io.files.describe import describe
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.rewrite import write_like
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.runtime.errors import LaMoDInputError

SHAPE = (40, 44)
AFFINE = stack_affine(SHAPE, (3.0, 3.0), slices=1)
FRAMES = 12
STEP_MS = RR_MS / FRAMES
TIMES_MS = np.arange(FRAMES) * STEP_MS
LABELS = heart_labels(AFFINE, SHAPE, slices=1, frames=FRAMES)
CINE = heart_cine(LABELS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The slice of the plain export: a 4-D NIfTI with its times in ms."""
    path = tmp_path_factory.mktemp("plain") / "heart.nii"
    write_nifti(path, LABELS, AFFINE, STEP_MS)
    return load_case(path).slices[0]


def codes(case):
    return {note.code for note in case.notes}


def check(case, plain, *, rr=None, atol=0.01):
    """The same masks at the same times as in the plain export."""
    (slice_,) = case.slices
    np.testing.assert_array_equal(slice_.myocardium, plain.myocardium)
    np.testing.assert_allclose(slice_.frame_times_ms, plain.frame_times_ms, atol=atol)
    assert slice_.rr_ms == pytest.approx(plain.rr_ms if rr is None else rr, abs=1.0)


def cine(folder, *, times=TIMES_MS, rr=RR_MS, edit=None, trigger=True):
    write_dicom_frames(folder, CINE, AFFINE, times=times, rr=None, trigger=trigger, edit=_with_rr(rr, edit))
    return folder


def _with_rr(rr, edit):
    def change(ds, t, k):
        if rr:
            ds.NominalInterval = f"{rr:.6g}"
        return None if edit is None else edit(ds, t, k)

    return change


UNITS = {"s": 8, "ms": 16, "us": 24, "none": 0}


@pytest.mark.parametrize(
    ("step", "unit"),
    [
        (STEP_MS / 1000, "s"),
        (STEP_MS * 1000, "us"),
        (STEP_MS, "s"),
        (STEP_MS / 1000, "ms"),
        (STEP_MS * 1000, "ms"),
        (STEP_MS / 1000, "none"),
        (STEP_MS * 1000, "s"),
    ],
)
def test_nifti_in_any_unit(tmp_path, plain, step, unit):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, step, units=2 | UNITS[unit])
    case = load_case(tmp_path / "m.nii")
    check(case, plain)
    named = unit in ("s", "us", "ms") and abs(step * {"s": 1000, "ms": 1, "us": 0.001}[unit] / STEP_MS - 1) < 1e-6
    assert ("frame_step_guessed" in codes(case)) is not named


@pytest.mark.parametrize("step", [3.4, 5.6, 500.0, 2e7, -STEP_MS])
def test_an_implausible_step_is_refused_unless_something_else_gives_the_times(tmp_path, plain, step):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, step)
    with pytest.raises(LaMoDInputError, match=r"its frame.* --rr MS"):
        load_case(tmp_path / "m.nii")
    named = load_case(tmp_path / "m.nii", rr_ms=RR_MS)
    check(named, plain)
    with_cine = load_case(tmp_path / "m.nii", cine=cine(tmp_path / "cine"))
    check(with_cine, plain)
    for case in (named, with_cine):
        assert "frame_step_ignored" in codes(case)
    assert any("frame interval" in line or "span" in line or "every" in line for line in describe(tmp_path / "m.nii"))


@pytest.mark.parametrize("step", [0.0, 1.0, float("nan")])
def test_no_step_at_all(tmp_path, plain, step):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, step)
    case = load_case(tmp_path / "m.nii", rr_ms=RR_MS)
    check(case, plain)
    assert "frame_times_assumed" in codes(case)


@pytest.mark.parametrize(("factor", "codes_"), [(0.001, {"frame_step_guessed"}), (1000.0, {"frame_step_guessed"})])
def test_trigger_times_in_another_unit(tmp_path, plain, factor, codes_):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    case = load_case(tmp_path / "m.nii", cine=cine(tmp_path / "cine", times=TIMES_MS * factor))
    check(case, plain)
    assert codes_ <= codes(case)


def test_implausible_trigger_times_are_refused(tmp_path, plain):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    folder = cine(tmp_path / "cine", times=TIMES_MS * 0.05)
    with pytest.raises(LaMoDInputError, match=r"frame interval .* implausible"):
        load_case(tmp_path / "m.nii", cine=folder)
    check(load_case(tmp_path / "m.nii", cine=folder, rr_ms=RR_MS), plain)


@pytest.mark.filterwarnings("ignore:.*VR.*IS")
@pytest.mark.parametrize("rr", [0.8, 800_000.0])
def test_the_cycle_in_another_unit(tmp_path, plain, rr):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    case = load_case(tmp_path / "m.nii", cine=cine(tmp_path / "cine", rr=rr))
    check(case, plain)
    assert "rr_unit_guessed" in codes(case)


def test_an_implausible_cycle_is_refused(tmp_path, plain):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    folder = cine(tmp_path / "cine", rr=5000.0)
    with pytest.raises(LaMoDInputError, match=r"R–R interval of 5000 ms is implausible .*--rr"):
        load_case(tmp_path / "m.nii", cine=folder)
    check(load_case(tmp_path / "m.nii", cine=folder, rr_ms=RR_MS), plain)
    for rr in (0.8, 250.0, 2500.0):
        with pytest.raises(LaMoDInputError, match="implausible"):
            load_case(tmp_path / "m.nii", cine=folder, rr_ms=rr)


@pytest.mark.parametrize("first", [308_000.0, 15.0, 500.0])
def test_times_count_from_the_r_wave(tmp_path, plain, first):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    case = load_case(tmp_path / "m.nii", cine=cine(tmp_path / "cine", times=TIMES_MS + first))
    delay = 15.0 if first == 15.0 else 0.0  # within the cycle: the first image follows the R wave by 15 ms
    check(case, replace(plain, frame_times_ms=plain.frame_times_ms + delay), atol=1.0)  # DS of six digits
    assert ("frame_times_shifted" in codes(case)) is not bool(delay)


@pytest.mark.parametrize("share", [0.9, 1.1, 0.5, 1.5])
def test_the_scanner_is_right_where_the_masks_have_another_step(tmp_path, plain, share):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, share * STEP_MS)
    case = load_case(tmp_path / "m.nii", cine=cine(tmp_path / "cine"))
    check(case, plain)
    assert "frame_times_contradicted" in codes(case)
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 1.001 * STEP_MS)
    assert "frame_times_contradicted" not in codes(load_case(tmp_path / "m.nii", cine=tmp_path / "cine"))


def test_masks_and_cine_without_a_scanner_contradict_each_other(tmp_path):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, STEP_MS)
    write_nifti(tmp_path / "cine.nii", CINE, AFFINE, 0.8 * STEP_MS)
    assert "frame_times_contradicted" in codes(load_case(tmp_path / "m.nii", cine=tmp_path / "cine.nii"))


@pytest.mark.parametrize("share", [1.1, 1.5])
def test_the_given_cycle_wins_over_a_longer_step(tmp_path, plain, share):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, share * STEP_MS)
    case = load_case(tmp_path / "m.nii", rr_ms=RR_MS)
    check(case, plain)
    assert "rr_replaced" in codes(case)


def test_the_given_cycle_wins_over_every_file(tmp_path, plain):
    write_seq_nrrd(tmp_path / "m.seq.nrrd", LABELS, AFFINE, TIMES_MS, rr_ms=950.0)
    folder = cine(tmp_path / "cine", rr=900.0)
    case = load_case(tmp_path / "m.seq.nrrd", cine=folder, rr_ms=RR_MS)
    check(case, plain)
    replaced = [note for note in case.notes if note.code == "rr_replaced"]
    assert {"950", "900"} == {word for note in replaced for word in note.text.split() if word in ("950", "900")}
    without = load_case(tmp_path / "m.seq.nrrd", cine=folder)
    assert without.slices[0].rr_ms == 900.0
    assert "rr_contradicted" in codes(without)


def test_a_shorter_step_than_the_cycle_is_noted(tmp_path):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.9 * STEP_MS)
    assert "cycle_partly_covered" in codes(load_case(tmp_path / "m.nii", rr_ms=RR_MS))


@pytest.mark.parametrize("attribute", ["AcquisitionTime", "ContentTime", "AcquisitionDateTime"])
def test_the_clock_orders_images_before_their_numbers(tmp_path, plain, attribute):
    def edit(ds, t, k):
        ds.InstanceNumber, ds.AcquisitionNumber = FRAMES - t, 1
        day = "20260101" if attribute == "AcquisitionDateTime" else ""
        setattr(ds, attribute, f"{day}1200{TIMES_MS[t] / 1000:09.6f}")

    (stack,) = read_images(cine(tmp_path / "cine", trigger=False, edit=edit))
    np.testing.assert_array_equal(stack.frames, CINE)
    assert any(note.code == "dicom_order_assumed" for note in stack.notes)
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    check(load_case(tmp_path / "m.nii", cine=tmp_path / "cine"), plain)


def test_a_clock_that_does_not_distinguish_images_is_not_used(tmp_path):
    def edit(ds, t, k):
        ds.AcquisitionTime = ds.ContentTime = "120000"
        ds.InstanceNumber = t + 1

    (stack,) = read_images(cine(tmp_path / "cine", trigger=False, edit=edit))
    np.testing.assert_array_equal(stack.frames, CINE)


def test_past_midnight(tmp_path):
    def edit(ds, t, k):
        seconds = (86399.8 + TIMES_MS[t] / 1000) % 86400
        ds.AcquisitionTime = f"{int(seconds // 3600):02d}{int(seconds // 60 % 60):02d}{seconds % 60:09.6f}"
        ds.InstanceNumber = 1

    (stack,) = read_images(cine(tmp_path / "cine", trigger=False, edit=edit))
    np.testing.assert_array_equal(stack.frames, CINE)
    np.testing.assert_allclose(stack.frame_times_ms, TIMES_MS, atol=0.01)


def test_files_without_any_number_are_sorted_by_the_numbers_in_their_names(tmp_path):
    def edit(ds, t, k):
        ds.InstanceNumber = 1

    cine(tmp_path / "cine", trigger=False, edit=edit)
    found = {}
    for file in (tmp_path / "cine").iterdir():
        found[int(file.name.rpartition("_")[2])] = file
    for number, file in found.items():
        file.rename(file.with_name(f"IM{number}.dcm"))
    (stack,) = read_images(tmp_path / "cine")
    np.testing.assert_array_equal(stack.frames, CINE)


def test_a_multi_frame_file_without_functional_groups(tmp_path, plain):
    write_dicom_frames(tmp_path / "d", CINE, AFFINE)
    ds = pydicom.dcmread(next((tmp_path / "d").iterdir()))
    ds.NumberOfFrames, ds.FrameTime = FRAMES, f"{STEP_MS:.6f}"
    ds.PixelData = np.ascontiguousarray(CINE[:, 0].astype(np.uint16)).tobytes()
    del ds.TriggerTime
    ds.save_as(tmp_path / "cine.dcm")
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 0.0)
    case = load_case(tmp_path / "m.nii", cine=tmp_path / "cine.dcm")
    check(case, plain)
    np.testing.assert_array_equal(case.slices[0].cine, CINE[:, 0])


def test_files_with_one_uid_are_not_dropped(tmp_path):
    def edit(ds, t, k):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"

    folder = tmp_path / "d"
    write_dicom_frames(folder, CINE, AFFINE, times=TIMES_MS, edit=edit)
    (stack,) = read_images(folder)
    np.testing.assert_array_equal(stack.frames, CINE)
    assert any(note.code == "dicom_uid_repeated" for note in stack.notes)


def nrrd(path, voxels, lines):
    """A NRRD file of uint8 voxels, whose axes are in reverse file order."""
    sizes = " ".join(str(s) for s in voxels.shape[::-1])
    head = ["NRRD0005", "type: uint8", f"dimension: {voxels.ndim}", f"sizes: {sizes}", *lines, "encoding: gzip"]
    path.write_bytes(("\n".join(head) + "\n\n").encode() + gzip.compress(np.ascontiguousarray(voxels).tobytes()))
    return path


def vectors(*columns):
    return " ".join("none" if c is None else "(" + ",".join(repr(float(v)) for v in c) + ")" for c in columns)


SPACE = ["space: left-posterior-superior", f"space origin: {vectors(AFFINE[:3, 3])}"]
X, Y, Z = AFFINE[:3, :3].T
BY_TEXT = sorted(range(FRAMES), key=str)


def sequence(path, order, words, *, first=True, flat=False, unit="", index="numeric"):
    """A sequence with the list axis first or last, in 3-D or (flat) 2-D, in the given order with these index values."""
    frames = LABELS[list(order), 0] if flat else LABELS[list(order)]
    space = [X, Y] if flat else [X, Y, Z]
    axis = 0 if first else len(space)
    domain = ["domain"] * len(space)
    kinds, directions = [*domain], [*space]
    kinds.insert(axis, "list")
    directions.insert(axis, None)
    units = [""] * len(kinds)
    units[axis] = unit
    lines = [
        *SPACE,
        f"space directions: {vectors(*directions)}",
        f"kinds: {' '.join(kinds)}",
        "units: " + " ".join(f'"{u}"' for u in units),
        f"axis {axis} index type:={index}",
        f"axis {axis} index values:={' '.join(words)}",
    ]
    voxels = np.moveaxis(frames, 0, -1) if first else frames
    return nrrd(path, voxels, lines)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize(
    ("index", "word", "unit"),
    [
        ("numeric", str, ""),
        ("numeric", lambda t: f"{TIMES_MS[t]:g}", "ms"),
        ("numeric", lambda t: f"{TIMES_MS[t] / 1000:.9g}", "s"),
        ("text", lambda t: f"frame%20{t}", ""),
        ("text", lambda t: f"{TIMES_MS[t]:.4f}%20ms", ""),
    ],
    ids=["numbers", "ms", "s", "names", "times as text"],
)
def test_index_values_order_and_time_the_frames(tmp_path, plain, first, flat, index, word, unit):
    path = sequence(
        tmp_path / "m.seq.nrrd", BY_TEXT, [word(t) for t in BY_TEXT], first=first, flat=flat, unit=unit, index=index
    )
    case = load_case(path, rr_ms=RR_MS)
    check(case, plain, atol=0.1)
    in_plane = [0, 1, 3]  # an image without a slice axis has no slice distance
    found, expected = case.slices[0].grid.ijk_to_lps, plain.grid.ijk_to_lps
    np.testing.assert_allclose(found[:, in_plane], expected[:, in_plane], atol=1e-3)
    assert "frames_sorted_by_index" in codes(case)
    assert ("frame_times_assumed" in codes(case)) is (word(0) in ("0", "frame%200") and not unit)


def test_index_values_that_are_no_order_are_refused(tmp_path):
    words = [str(t) for t in range(FRAMES)]
    with pytest.raises(LaMoDInputError, match="same index value"):
        load_case(sequence(tmp_path / "a.seq.nrrd", range(FRAMES), ["0", *words[:-1]]))
    skipped = [str(t if t < 5 else t + 2) for t in range(FRAMES)]
    with pytest.raises(LaMoDInputError, match="skip frames"):
        load_case(sequence(tmp_path / "b.seq.nrrd", range(FRAMES), skipped))


def test_labels_are_written_back_in_the_order_of_the_file(tmp_path):
    path = sequence(tmp_path / "m.seq.nrrd", BY_TEXT, [str(t) for t in BY_TEXT], first=False)
    (stack,) = read_images(path)
    np.testing.assert_array_equal(stack.frames, LABELS)
    write_like(path, tmp_path / "n.seq.nrrd", stack.frames)
    assert gzip.decompress((tmp_path / "n.seq.nrrd").read_bytes().split(b"\n\n", 1)[1]) == gzip.decompress(
        path.read_bytes().split(b"\n\n", 1)[1]
    )


@pytest.mark.parametrize("kind", ["vector", "scalar", "list", "???"])
def test_an_axis_of_length_one(tmp_path, plain, kind):
    time = np.append(np.zeros(3), STEP_MS)
    lines = [
        "space: left-posterior-superior-time",
        f"space origin: {vectors(np.append(AFFINE[:3, 3], 0))}",
        f"space directions: {vectors(None, *(np.append(v, 0) for v in (X, Y, Z)), time)}",
        f"kinds: {kind} domain domain domain domain",
    ]
    check(load_case(nrrd(tmp_path / "m.nrrd", LABELS[..., None], lines)), plain)


@pytest.mark.parametrize("steps", [(1.0, STEP_MS), (0.0, STEP_MS), (STEP_MS, 0.0), (STEP_MS, 1.0)])
def test_time_as_the_fifth_dimension(tmp_path, plain, steps):
    write_nifti(tmp_path / "m.nii", LABELS[:, None], AFFINE, 0.0)
    data = bytearray((tmp_path / "m.nii").read_bytes())
    struct.pack_into("<2f", data, 76 + 4 * 4, *steps)
    (tmp_path / "m.nii").write_bytes(data)
    case = load_case(tmp_path / "m.nii")
    check(case, plain)
    assert "frame_step_ignored" not in codes(case)


@pytest.mark.parametrize("place", ["names", "json", "both", "json in seconds"])
def test_times_of_volumes_in_names_and_json_files(tmp_path, plain, place):
    folder = tmp_path / "volumes"
    folder.mkdir()
    for t in range(FRAMES):
        name = f"cine_501_t{round(TIMES_MS[t])}" if place in ("names", "both") else f"v{(5 * t) % FRAMES}"
        write_nifti(folder / f"{name}.nii", LABELS[t], AFFINE, 0.0)
        content = {"names": {}, "json in seconds": {"TriggerTime": TIMES_MS[t] / 1000}}
        sidecar = content.get(place, {"TriggerDelayTime": TIMES_MS[t]})
        if sidecar:
            (folder / f"{name}.json").write_text(json.dumps(sidecar), encoding="utf-8")
    case = load_case(folder)
    check(case, plain, atol=0.6)
    assert "frame_times_from_names" in codes(case)


def test_missing_volumes_keep_the_times_of_the_others(tmp_path, plain):
    folder = tmp_path / "volumes"
    folder.mkdir()
    kept = [t for t in range(FRAMES) if t not in (5, 6)]
    for t in kept:
        write_nifti(folder / f"cine_501_t{round(TIMES_MS[t])}.nii", LABELS[t], AFFINE, 0.0)
    case = load_case(folder)
    np.testing.assert_array_equal(case.slices[0].myocardium, plain.myocardium[kept])
    np.testing.assert_allclose(case.slices[0].frame_times_ms, plain.frame_times_ms[kept], atol=0.6)
    assert case.slices[0].rr_ms == pytest.approx(plain.rr_ms, abs=1.0)
    assert "frames_missing" in codes(case)


def test_frame_numbers_in_names_are_no_times(tmp_path, plain):
    folder = tmp_path / "volumes"
    folder.mkdir()
    for t in range(FRAMES):
        write_nifti(folder / f"cine_t{t}.nii", LABELS[t], AFFINE, 0.0)
    case = load_case(folder, rr_ms=RR_MS)
    check(case, plain)
    assert "frame_times_assumed" in codes(case)


def test_times_in_the_json_file_of_a_4d_image(tmp_path, plain):
    write_nifti(tmp_path / "m.nii", LABELS, AFFINE, 28.0)
    (tmp_path / "m.json").write_text(json.dumps({"VolumeTiming": (TIMES_MS / 1000).tolist()}), encoding="utf-8")
    check(load_case(tmp_path / "m.nii"), plain)
