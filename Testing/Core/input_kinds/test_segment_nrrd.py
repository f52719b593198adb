"""Slicer's segmentations: a file per frame with layers, cropped extents, and label values that differ."""

import gzip

import numpy as np
import pytest
from heart_files import LV, MYO, heart_cine, write_nifti
from plain_export import AFFINE, LABELS, codes, same_heart

from LaMoDCore.cli import main
from LaMoDCore.io import load_case
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.images.nrrd import format_vector
from LaMoDCore.runtime.errors import LaMoDInputError

NAMES = {1: "Myocardium", 2: "LV cavity"}
NUMBERED = np.where(LABELS == MYO, 1, np.where(LABELS == LV, 2, 0)).astype(np.uint8)


def write_segmentation(path, voxels, affine, segments, *, list_axis=False):
    """A .seg.nrrd; segments: one dictionary of keys per segment; voxels in numpy's order, a list axis last."""
    pairs = [f"Segment{n}_{key}:={value}" for n, segment in enumerate(segments) for key, value in segment.items()]
    directions = " ".join(format_vector(affine[:3, axis]) for axis in range(3))
    lines = [
        "NRRD0004",
        "type: uint8",
        f"dimension: {voxels.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, voxels.shape[::-1]))}",
        f"space directions: {'none ' if list_axis else ''}{directions}",
        f"kinds: {'list ' if list_axis else ''}domain domain domain",
        "encoding: gzip",
        f"space origin: {format_vector(affine[:3, 3])}",
        *pairs,
    ]
    packed = gzip.compress(np.ascontiguousarray(voxels).tobytes(), 1)
    path.write_bytes("\n".join(lines).encode() + b"\n\n" + packed)


def segments_of(names):
    return [{"ID": f"Segment_{value}", "Name": n, "LabelValue": value, "Layer": 0} for value, n in names.items()]


def cropped(volume):
    """A volume [Z, H, W] cropped to its labels, and the affine of that part."""
    rows, columns = (np.flatnonzero(volume.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    affine = AFFINE.copy()
    affine[:3, 3] += rows[0] * AFFINE[:3, 1] + columns[0] * AFFINE[:3, 0]
    return volume[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], affine


def whole(volume, _t):
    return volume, AFFINE, segments_of(NAMES), False


def only_its_extent(volume, _t):
    return *cropped(volume), segments_of(NAMES), False


def other_values(volume, t):
    if t % 3 != 1:
        return whole(volume, t)
    return np.where(volume > 0, 3 - volume, 0).astype(np.uint8), AFFINE, segments_of({2: NAMES[1], 1: NAMES[2]}), False


def names_with_frame_numbers(volume, t):
    return volume, AFFINE, segments_of({value: f"{name} {t}" for value, name in NAMES.items()}), False


def overlapping_layers(volume, _t):
    """The whole ventricle and its wall, in layers with the same label value."""
    segments = [{"Name": "LV", "LabelValue": 1, "Layer": 1}, {"Name": "LV myocardium", "LabelValue": 1, "Layer": 0}]
    return np.stack([volume == 1, volume > 0], axis=-1).astype(np.uint8), AFFINE, segments, True


def before_label_values(volume, _t):
    """Slicer before 4.11: one layer per segment."""
    segments = [{"ID": "a", "Name": "LV cavity"}, {"ID": "b", "Name": "Myocardium"}]
    return np.stack([volume == 2, volume == 1], axis=-1).astype(np.uint8), AFFINE, segments, True


def terminology_alone(volume, _t):
    entry = "Segmentation.Status:done|TerminologyEntry:x~SCT^123037004^Anatomical Structure~SCT^1^{}~^^~x|"
    named = zip(segments_of({1: "Segment_1", 2: "Segment_2"}), ("Myocardium", "Left ventricle"), strict=True)
    return volume, AFFINE, [{**segment, "Tags": entry.format(meaning)} for segment, meaning in named], False


WAYS = [
    whole, only_its_extent, other_values, names_with_frame_numbers, overlapping_layers, before_label_values,
    terminology_alone,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_folder_of_segmentations_is_the_plain_heart(tmp_path, plain, way):
    folder = tmp_path / "segmentations"
    folder.mkdir()
    for t, volume in enumerate(NUMBERED):
        voxels, affine, segments, list_axis = way(volume, t)
        write_segmentation(folder / f"Segmentation_{t}.seg.nrrd", voxels, affine, segments, list_axis=list_axis)
    write_nifti(folder / "Volume.nii", heart_cine(LABELS)[0], AFFINE)  # the image on which they were drawn
    case = load_case(folder, cine=plain.cine)
    assert same_heart(case, plain.case_on_cine)
    assert np.array_equal(case.slices[0].cavity, plain.case_on_cine.slices[0].cavity)
    assert "files_left_out" in codes(case.notes)
    assert "labels_by_shape" not in codes(case.notes)
    alone = load_case(folder)
    areas = [s.myocardium.sum(axis=(1, 2)) for s in (*alone.slices, *plain.case.slices)]
    assert np.array_equal(*areas)
    assert "ring_at_image_edge" not in codes(alone.notes)


def test_one_layer_over_time(tmp_path, plain):
    voxels = NUMBERED.transpose(1, 2, 3, 0)
    write_segmentation(tmp_path / "all.seg.nrrd", voxels, AFFINE, segments_of(NAMES), list_axis=True)
    assert same_heart(load_case(tmp_path / "all.seg.nrrd"), plain.case)


def test_the_segmentation_of_one_frame(tmp_path, plain):
    write_segmentation(tmp_path / "ed.seg.nrrd", NUMBERED[0], AFFINE, segments_of(NAMES))
    with pytest.raises(LaMoDInputError, match="no time axis"):
        load_case(tmp_path / "ed.seg.nrrd")
    case = load_case(tmp_path / "ed.seg.nrrd", cine=plain.cine, mask_frames=(0,))
    assert np.array_equal(case.slices[0].myocardium[0], plain.case.slices[0].myocardium[0])


def test_frames_on_different_voxels_are_refused(tmp_path):
    moved = AFFINE.copy()
    moved[:3, 3] += 0.4 * AFFINE[:3, 0]
    write_segmentation(tmp_path / "s_0.seg.nrrd", NUMBERED[0], AFFINE, segments_of(NAMES))
    write_segmentation(tmp_path / "s_1.seg.nrrd", NUMBERED[1], moved, segments_of(NAMES))
    with pytest.raises(LaMoDInputError, match=r"s_1.*its voxels are not those of s_0"):
        load_case(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"LabelValue": "two"}, "no label value"),
        ({"Layer": 7}, "8 layers"),
        ({"Layer": -1}, "layer -1"),
        ({"Layer": 10**9}, "layer 1000000000"),
    ],
)
def test_contradicting_headers_are_refused(tmp_path, change, words):
    first, second = segments_of(NAMES)
    write_segmentation(tmp_path / "s.seg.nrrd", NUMBERED[0], AFFINE, [first, {**second, **change}])
    with pytest.raises(LaMoDInputError, match=words):
        read_images(tmp_path / "s.seg.nrrd")


def test_a_repaired_segmentation_is_written_as_a_sequence(tmp_path, plain):
    folder = tmp_path / "segmentations"
    folder.mkdir()
    for t, volume in enumerate(NUMBERED):
        drawn = volume.copy()
        drawn[0, 1:3, 1:3] = t == 5
        write_segmentation(folder / f"s_{t}.seg.nrrd", drawn, AFFINE, segments_of(NAMES))
    assert main(["check", str(folder), "--fix", "islands", "--out", str(tmp_path / "out")]) == 3
    (written,) = (tmp_path / "out").glob("repaired_*")
    assert written.name == "repaired_segmentations.seq.nrrd"
    case = load_case(written)
    assert np.array_equal(case.slices[0].myocardium, plain.case.slices[0].myocardium)
