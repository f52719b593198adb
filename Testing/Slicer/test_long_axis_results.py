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


def test_alone_after_short_axis_and_the_reverse_give_one_result(slicer_app, fake_worker, three_views, tmp_path):
    """GLS that is measured later, or first, belongs to the short-axis result of the same heart."""
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
