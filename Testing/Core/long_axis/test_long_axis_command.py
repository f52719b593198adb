import json

import numpy as np
import pytest
from damaged_json import REMOVED, damage
from long_axis_files import FRAMES, RR_MS, times, write_cine, write_guide_points, write_masks
from long_axis_shapes import ANGLES
from test_short_axis import short_axis

from LaMoDCore.cli import main
from LaMoDCore.io import read_result
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.io.results.long_axis_files import read_long_axis
from LaMoDCore.prediction.long_axis import long_axis_numbers
from LaMoDCore.runtime.errors import LaMoDInputError
from Testing.Core.predict.conftest import small_model  # noqa: F401


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long_axis")
    return [str(write_masks(folder / f"{kind}.seq.nrrd", kind)) for kind in ANGLES]


def predict(*words):
    return main(["predict", *map(str, words), "--progress", "none"])


def test_long_axis_alone(tmp_path, files, capsys):
    assert predict("--long-axis", *files, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "wrote 5 files" in shown and shown.startswith("GLS −")
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        ".lamod.json", "strain.json", "long_axis.npz", "long_axis.csv", "report.png", "report.pdf"
    }  # fmt: skip
    stored = read_long_axis(tmp_path / "out")
    assert [view.kind for view in stored.views] == list(ANGLES)
    assert stored.summary["gls"]["mid_wall"] < -0.05
    assert stored.summary["volumes"]["method"] == "biplane" and 0.2 < stored.summary["volumes"]["ef"] < 0.8
    assert stored.views[0].lines_lps["mid_wall"].shape == (FRAMES, 65, 3)
    table = (tmp_path / "out" / "long_axis.csv").read_text(encoding="utf-8").splitlines()
    assert len(table) == 1 + 3 * FRAMES
    first = dict(zip(table[0].split(","), table[4].split(","), strict=True))
    assert float(first["mid_wall_strain"]) == pytest.approx(stored.views[0].numbers["curves"]["mid_wall"][3], abs=1e-6)


def test_the_same_input_gives_the_same_bytes(tmp_path, files):
    for name in ("one", "two"):
        assert predict("--long-axis", files[0], "--out", tmp_path / name, "--no-report") == 0
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_next_to_short_axis(tmp_path, files, small_model):  # noqa: F811
    masks = []
    for depth in (20.0, 45.0):
        slice_ = short_axis(depth)
        path = tmp_path / f"sax{depth:.0f}.seq.nrrd"
        stack = slice_.myocardium.astype(np.uint8)
        write_seq_nrrd(path, stack[:, None], slice_.grid.ijk_to_lps, times(), metadata={"rr_ms": f"{RR_MS:g}"})
        masks.append(path)
    fast = ["--model", small_model, "--no-diffusion", "--outputs", "motion,segments"]
    assert predict(*masks, *fast, "--levels", "base,mid", "--out", tmp_path / "levels") == 0
    assert predict(*masks, *fast, "--long-axis", *files, "--out", tmp_path / "both") == 0
    levels, both = (read_result(tmp_path / name) for name in ("levels", "both"))
    assert "long_axis" not in levels.summary and read_long_axis(tmp_path / "levels") is None
    stored = read_long_axis(tmp_path / "both")
    assert [row["level"] for row in stored.summary["short_axis"]] == ["base", "mid"] == [s.level for s in both.slices]
    assert both.summary["global"] == levels.summary["global"]  # measured levels count as given ones
    assert {"levels_measured", "long_axis_end_systole_differs"} <= {n.code for n in both.notes}
    alone = long_axis_numbers(load_long_axis(files).views)
    assert both.es_frame != 5 and stored.summary["es_phase"] == 0.5  # the rings do not move
    assert stored.summary["gls"] == alone["gls"] and stored.summary["definitions"] == alone["definitions"]
    names = [record["name"] for record in both.summary["provenance"]["inputs"]]
    assert names == ["sax20.seq.nrrd", "sax45.seq.nrrd", *(f"{kind}.seq.nrrd" for kind in ANGLES)]


def test_contours_of_guide_points_use_the_long_axis_cine(tmp_path):
    points, cine = write_guide_points(tmp_path / "points"), write_cine(tmp_path / "cine.seq.nrrd")
    words = ["--long-axis", points, "--out", tmp_path / "out", "--long-axis-views", "2ch"]
    assert predict(*words, "--long-axis-cine", cine) == 0
    assert read_long_axis(tmp_path / "out").views[0].kind == "two_chamber"


def test_options_without_long_axis_are_refused(tmp_path, files, capsys):
    assert predict(files[0], "--long-axis-views", "4ch", "--out", tmp_path / "out") == 1
    assert "--long-axis-views" in capsys.readouterr().err
    assert predict("--out", tmp_path / "out") == 1
    assert "nor --long-axis" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_short_axis_file_as_long_axis_is_one_line(tmp_path, capsys):
    slice_ = short_axis(30.0)
    path = tmp_path / "sax.seq.nrrd"
    write_seq_nrrd(path, slice_.myocardium[:, None].astype(np.uint8), slice_.grid.ijk_to_lps, times())
    assert predict("--long-axis", path, "--out", tmp_path / "out") == 1
    text = capsys.readouterr().err.strip()
    assert "\n" not in text and "sax.seq.nrrd" in text and "closed ring" in text
    assert not (tmp_path / "out").exists()


def test_damaged_results_are_refused(tmp_path, files):
    assert predict("--long-axis", files[0], "--out", tmp_path / "out") == 0
    strain = tmp_path / "out" / "strain.json"
    content = json.loads(strain.read_text(encoding="utf-8"))
    content["long_axis"]["views"] *= 2
    strain.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(LaMoDInputError, match=r"does not fit strain\.json"):
        read_long_axis(tmp_path / "out")
    (tmp_path / "out" / "long_axis.npz").unlink()
    with pytest.raises(LaMoDInputError, match="does not exist"):
        read_long_axis(tmp_path / "out")


@pytest.fixture(scope="module")
def alone(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored") / "out"
    assert predict("--long-axis", files[0], "--no-report", "--out", folder) == 0
    return folder


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (("gls",), None, "long_axis.gls must be a JSON object"),
        (("gls", "interval", "mid_wall"), [1.0], "long_axis.gls.interval.mid_wall has 1 entries"),
        (("rr_ms",), 0, "long_axis.rr_ms is 0"),
        (("curves", "mid_wall"), [0.0], "long_axis.curves.mid_wall has 1 values"),
        (("views",), [], "long_axis.views has 0 entries"),
        (("views", 0, "es_frame"), 999, "es_frame is 999, but there are"),
        (("views", 0, "length_mm"), "<x>", "length_mm must be a list"),
        (("views", 0, "segments", 0, "aha"), "3", "aha must be a whole number"),
        (("views", 0, "drift", "mid_wall"), REMOVED, "drift.mid_wall is missing"),
    ],
)
def test_a_damaged_part_of_strain_json_is_named(alone, place, value, fault):
    strain = alone / "strain.json"
    before = strain.read_text(encoding="utf-8")
    damage(strain, ("long_axis", *place), value)
    try:
        with pytest.raises(LaMoDInputError) as refused:
            read_long_axis(alone)
    finally:
        strain.write_text(before, encoding="utf-8")
    assert fault in str(refused.value) and "strain.json" in str(refused.value)
    assert read_long_axis(alone) is not None
