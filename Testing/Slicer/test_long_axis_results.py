"""Results of long-axis views in the scene: next to short-axis results, notes, and the page."""

from __future__ import annotations

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.io.results.long_axis_files import read_long_axis
from Testing.Slicer import long_axis_heart as heart
from Testing.Slicer import panel
from Testing.Slicer.test_heart_table import ring_at


def measured(folder, *paths):
    """The stored result of masks."""
    words = ["predict", "--long-axis", *map(str, paths), "--out", str(folder), "--no-report", "--progress", "none"]
    assert main(words) == 0
    return read_long_axis(folder)


@pytest.fixture(scope="module")
def three_views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three")
    return measured(folder / "result", *heart.masks(folder))


@pytest.fixture(scope="module")
def on_scanner_axes(tmp_path_factory):
    """A view whose plane lies exactly on the scanner's axes, in a file that states its position."""
    folder = tmp_path_factory.mktemp("axes")
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1.5, 0, 0], [0, 0, -1.5], [0, 8, 0]]).T
    affine[:3, 3] = [-60, -30, 90]
    walls = heart.beating_walls(heart.FRAMES).astype(np.uint8)[:, None]
    path = folder / "first.seq.nrrd"
    write_seq_nrrd(path, walls, affine, np.arange(heart.FRAMES) * 90.0, metadata={"rr_ms": "900"})
    return measured(folder / "result", path)


def texts(page):
    from matplotlib.text import Text

    return [text.get_text() for text in page.findobj(Text)]


def test_the_page_of_a_view_on_the_scanners_axes_names_walls_patient_and_volumes(slicer_app, on_scanner_axes):
    from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisReport

    node = LongAxisKeeper.add(on_scanner_axes, None, "Views")
    walls = node.views()[0].numbers["walls"]
    assert walls[0] != "first"
    function = {"edv_ml": 131.0, "esv_ml": 52.0, "ef": 0.6}
    found = texts(LongAxisReport.draw(node, {"PatientName": "Doe^Jane"}, function))
    assert any(text.startswith(walls[0]) for text in found)
    assert "Doe^Jane" in found
    assert any("131 ml" in text for text in found)


def test_all_notes_alone_and_those_of_the_views_next_to_short_axis(slicer_app, three_views):
    from dataclasses import replace

    import slicer
    from LaMoDSlicerLib.LongAxis import LongAxisKeeper
    from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode

    from LaMoDCore.heart.notes import note

    own = [note("long_axis_common_phases", "A."), note("frames_not_timed", "B.", source="long_axis2.seq.nrrd")]
    others = [note("levels_proposed", "C."), note("several_cines", "D."), note("rr_assumed", "E.", source="masks")]
    stored = replace(three_views, notes=(*own, *others))
    assert list(LongAxisKeeper.add(stored, None, "Alone").notes()) == [*own, *others]
    result = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "Result")
    LongAxisKeeper.addTo(result, stored, None, "Next")
    assert list(LongAxisNode.ofResult(result).notes()) == own


def test_alone_after_short_axis_gives_one_result(slicer_app, fake_worker, three_views, tmp_path):
    """GLS that is measured later belongs to the short-axis result of the same heart."""
    from LaMoDSlicerLib.LongAxis import LongAxisReader
    from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
    from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest
    from LaMoDSlicerLib.Results.ResultNode import ResultNode
    from LaMoDSlicerLib.Scene import SampleHeart

    app, ui = slicer_app, slicer_app.widget.ui
    fake_worker("ok")
    SampleHeart.addToScene(ring_at(0), "Ring")
    panel.predict(app)
    assert "GLS" not in ui.headlineLabel.text
    heart.add(app, *heart.masks(tmp_path))

    def measure_alone():
        request = HeartRequest((), longAxis=LongAxisReader.read(app.widget.sections.model))
        app.widget.logic.addResult(three_views, request, app.widget._parameters)
        app.widget.update()
        app.settle()
        return request

    for _again in range(2):
        measure_alone()
        (result,) = ResultNode.all()
        assert LongAxisNode.alone() == [] and len(LongAxisNode.all()) == 1
        assert ui.headlineLabel.text.count("<b>GLS") == 1 and "GCS" in ui.headlineLabel.text
        assert result.numbers().summary["long_axis"]["gls"] == three_views.summary["gls"]
    assert [n.code for n in result.numbers().notes].count("long_axis_views_recognised") == 1
    app.mouse.click(ui.openRoomButton)
    app.settle()
    tabs = app.widget.readingPanel.sheet.ui.tabs
    assert "Long axis" in [tabs.tabText(i) for i in range(tabs.count)]
    app.mouse.click(app.widget.readingPanel.ui.roomButton)
    app.settle()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("frame 3 of “m” has no contours", "frame 4 of “m” has no contours"),
        ("frames 0–2, 5 and 9 of it are empty", "frames 1–3, 6 and 10 of it are empty"),
        ("frames 0, 2 and 17 more", "frames 1, 3 and 17 more"),
        (
            "it has contours of frame 9, but the cine has 9 frames",
            "it has contours of frame 10, but the cine has 9 frames",
        ),
    ],
)
def test_frames_of_a_message_count_from_one(host, written, shown):
    from LaMoDSlicerLib.Widgets import Numbering

    assert Numbering.fromOne(written) == shown


def test_missing_contours_are_named_in_the_table(slicer_app, tmp_path):
    """A frame without contours is known before the prediction; the others are still shown in the views."""
    walls = heart.beating_walls(heart.FRAMES).astype(np.uint8)
    walls[3] = 0
    heart.add(slicer_app, heart.write_masks(tmp_path / "gap.seq.nrrd", labels=walls))
    assert heart.rows(slicer_app)[0][3] == "! cannot be used"
    (row,) = slicer_app.widget.sections.model.rows
    assert row.problem.startswith("There are no contours at frame 4:") and not row.isUsed
    assert not slicer_app.widget.ui.predictButton.enabled
    heart.click_row(slicer_app, 0)
    assert len(heart.shown_lines()) == 1


def test_the_cycle_of_the_file_is_that_of_the_measurement(slicer_app, tmp_path):
    """Frames that cover a part of the cycle, as of prospective gating: masks alone, then with their cine."""
    from LaMoDSlicerLib.LongAxis import LongAxisReader

    from LaMoDCore.io.long_axis.reader import load_long_axis

    walls = heart.beating_walls(heart.FRAMES).astype(np.uint8)[:8, None]
    affine, times = heart.long_axis_grid(30.0).ijk_to_lps, np.arange(8) * 90.0
    write_seq_nrrd(tmp_path / "masks.seq.nrrd", walls, affine, times, rr_ms=900.0)
    write_seq_nrrd(tmp_path / "cine.seq.nrrd", (20.5 + 100 * walls).astype(np.float32), affine, times, rr_ms=900.0)
    for name in ("masks", "cine"):
        heart.add(slicer_app, tmp_path / f"{name}.seq.nrrd")
        slicer_app.settle()
        (row,) = slicer_app.widget.sections.model.rows
        assert row.rrMs == 900.0
        folder = tmp_path / f"request {name}"
        folder.mkdir()
        request = LongAxisReader.read(slicer_app.widget.sections.model)
        request.writeInputs(folder)
        cines = list(folder.glob("long_axis_cine*"))
        assert len(cines) == (name == "cine")
        case = load_long_axis([folder / "long_axis1.seq.nrrd"], cine=cines)
        assert case.views[0].rr_ms == 900.0
        assert "cycle_partly_covered" in {note.code for note in case.notes}


def test_short_axis_slices_have_the_cycle_of_their_file_too(slicer_app, tmp_path):
    from LaMoDSlicerLib.Heart import HeartReader

    from LaMoDCore.io.files.image_file import read_images

    cine = ring_at(0)
    labels = np.where(cine.myocardium, 1, 0).astype(np.uint8)[:20, None]
    path = tmp_path / "ring.seq.nrrd"
    write_seq_nrrd(path, labels, cine.grid.ijk_to_lps, cine.frame_times_ms[:20], rr_ms=cine.rr_ms)
    heart.add(slicer_app, path)
    (row,) = slicer_app.widget.sections.model.rows
    assert row.rrMs == cine.rr_ms
    HeartReader.read(slicer_app.widget.sections.model, slicer_app.widget._parameters).writeInputs(tmp_path)
    (written,) = read_images(tmp_path / "masks.seq.nrrd")
    assert written.rr_ms == cine.rr_ms


def test_unticked_views_make_gls_out_of_date(slicer_app, three_views, tmp_path):
    from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisReader

    model, label = slicer_app.widget.sections.model, slicer_app.widget.ui.headlineLabel
    heart.add(slicer_app, *heart.masks(tmp_path))
    LongAxisKeeper.add(three_views, LongAxisReader.read(model), "Views")
    for isUsed in (True, False, True):
        model.setUse(2, isUsed)
        slicer_app.widget.update()
        slicer_app.settle()
        assert ("↻" not in label.text) is isUsed


def test_views_have_one_name_in_the_window_and_frames_come_before_the_full_stop(host, three_views):
    from LaMoDSlicerLib.LongAxis import LongAxisTables, LongAxisText

    from LaMoDCore.heart.notes import note

    jumps = [note("long_axis_length_jump", "The length of the two-chamber view jumps.", frame=t) for t in (0, 1)]
    (line,) = LongAxisText.notes(tuple(jumps))
    assert line.endswith("The length of the 2-chamber view jumps (frames 1, 2).")
    names = [row[0] for row in LongAxisTables.numberRows(dict(three_views.summary))]
    assert "MAPSE, 4-chamber" in names and not any("-chamber" in n and not n.split()[-1][0].isdigit() for n in names)


def test_two_slices_of_one_view_are_counted(host, three_views):
    from LaMoDSlicerLib.LongAxis import LongAxisText

    summary = dict(three_views.summary)
    first, *others = summary["views"]
    assert "2 × " not in LongAxisText.definition(summary)
    assert LongAxisText.definition({**summary, "views": [first, first]}).count("2 × ") == 1
    assert " + " in LongAxisText.definition({**summary, "views": [first, *others, first]})


def test_the_page_for_browsers_has_the_images_of_a_view(slicer_app, three_views, tmp_path):
    import slicer
    from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisReader
    from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
    from LaMoDSlicerLib.Results import LongAxisPage

    masks = heart.masks(tmp_path)
    heart.add(slicer_app, heart.write_cine(tmp_path / "cine.seq.nrrd"), masks[0], *masks[1:])
    result = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "Result")
    LongAxisKeeper.addTo(result, three_views, LongAxisReader.read(slicer_app.widget.sections.model), "Views")
    lines = LongAxisPage.lines(LongAxisNode.ofResult(result))
    assert [line.cine is not None for line in lines] == [True, False, False]
