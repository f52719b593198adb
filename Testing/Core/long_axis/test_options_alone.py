"""Options of short-axis slices where there are only long-axis slices."""

import pytest
from long_axis_files import write_masks
from long_axis_shapes import long_axis_grid
from test_recognise import insertion_at

from LaMoDCore.cli import main
from LaMoDCore.io.results.long_axis_files import read_long_axis


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    return write_masks(tmp_path_factory.mktemp("alone") / "wall.seq.nrrd", grid=long_axis_grid(65.0))


def predict(*words):
    return main(["predict", *map(str, words), "--progress", "none"])


@pytest.mark.parametrize(
    "words",
    [
        "--labels myo=1",
        "--mask-frames 0",
        "--levels base",
        "--slice-insertion 0,0,0",
        "--reference-frame 0",
        "--swap-base-apex",
        "--engine any",
        "--series any",
        "--fast",
        "--outputs motion",
    ],
)
def test_options_of_short_axis_slices_are_refused(tmp_path, mask, capsys, words):
    assert predict("--long-axis", mask, *words.split(), "--out", tmp_path / "out") == 1
    text = capsys.readouterr().err.strip()
    assert "\n" not in text and words.split()[0] in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("parts", "files"), [("strain", set()), ("report", {"report.png", "report.pdf"})])
def test_only_the_chosen_parts_are_written(tmp_path, mask, parts, files):
    assert predict("--long-axis", mask, "--outputs", parts, "--out", tmp_path / "out") == 0
    written = {path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")}
    assert written == {"strain.json", "long_axis.npz", "long_axis.csv"} | files


def test_the_insertion_point_helps_to_recognise_views(tmp_path, mask):
    point = ",".join(f"{v:g}" for v in insertion_at(-15.0))
    for name, words, kind in (("usual", [], "two_chamber"), ("given", [f"--rv-insertion={point}"], "four_chamber")):
        assert predict("--long-axis", mask, *words, "--out", tmp_path / name) == 0
        assert read_long_axis(tmp_path / name).views[0].kind == kind
