"""Long-axis slices by clicks: rows, contours, landmarks, GLS in the panel and in the reading room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.io.results.long_axis_files import read_long_axis
from Testing.Slicer import long_axis_heart as heart
from Testing.Slicer import panel
from Testing.Slicer.test_heart_table import ring_at

DRAWN = str(heart.FRAMES)


@pytest.fixture
def three(slicer_app, tmp_path):
    """Masks of three views in the table."""
    assert heart.add(slicer_app, *heart.masks(tmp_path)) == ""
    return slicer_app


def landmarks():
    from LaMoDSlicerLib.LongAxis import LandmarkNodes

    return LandmarkNodes.all()


def result():
    from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode

    (node,) = LongAxisNode.alone()
    return node


def annulus():
    """[T, 2, 3] LPS mm: the annulus of the first view of the result."""
    return result().views()[0].annulusLps


def drag(app, node, index, by):
    """Drag a point of a list in the red view by (x, y) pixels."""
    import slicer
    from PySide6 import QtCore

    ras = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(index, ras)
    view = app.window.red
    to_xy = np.linalg.inv(slicer.util.arrayFromVTKMatrix(view.node.GetXYToRAS()))
    x, y = (to_xy @ [*ras, 1.0])[:2]
    start = QtCore.QPoint(round(x), round(view.height() - 1 - y))
    app.mouse.hover(view, start)
    app.mouse.drag(view, start, start + QtCore.QPoint(*by))
    app.settle()
    return ras


def test_from_masks_to_gls_and_back_to_a_moved_landmark(three, tmp_path):
    app, ui = three, three.widget.ui
    assert heart.rows(app) == [
        ["LA first", "auto: 4ch", DRAWN, "drawn"],
        ["LA second", "auto: 2ch", DRAWN, "drawn"],
        ["LA third", "auto: 3ch", DRAWN, "drawn"],
    ]
    assert app.widget._parameters.masks is None, "the prediction has no masks"
    heart.click_row(app, 1)
    assert "view recognised by its position" in ui.structuresLabel.text
    heart.click_row(app, 0)
    (lines,) = heart.shown_lines()
    assert lines.GetPolyData().GetNumberOfCells() > 100
    (points,) = [node for node in landmarks() if node.GetDisplayNode().GetVisibility()]
    assert [points.GetNthControlPointLabel(i) for i in range(3)] == ["MV", "MV", "apex"]
    described = [points.GetNthControlPointDescription(i) for i in range(3)]
    assert described == ["annulus 0", "annulus 0", "apex 0"], "how they are read from a file, where frames count from 0"

    panel.predict(app)
    assert main(["predict", "--long-axis", *map(str, heart.masks(tmp_path)), "--out", str(tmp_path / "cli"),
                 "--no-report", "--progress", "none"]) == 0  # fmt: skip
    summary = read_long_axis(tmp_path / "cli").summary
    gls = f"GLS {100 * summary['gls']['mid_wall']:+.1f} %".replace("-", "−")
    assert ui.headlineLabel.text.startswith(f"<b>{gls}</b><br>GLS: mid-wall length L / L_ED − 1, systolic peak")
    assert len(heart.shown_lines()) == 2, "contours, and the mid-wall in the colours of strain"
    before = annulus()

    drag(app, points, 0, (-30, 0))
    assert "↻" in ui.headlineLabel.text and "Out of date" in ui.headlineLabel.text
    assert len(heart.shown_lines()) == 1, "no colours of an earlier measurement"
    panel.predict(app)
    assert "↻" not in ui.headlineLabel.text
    measured, after = result().summary["gls"]["endocardial"], annulus()
    assert measured == pytest.approx(summary["gls"]["endocardial"], abs=1e-3), "the drawn endocardium is the same"
    away = np.linalg.norm(after - before, axis=-1)
    assert (away > 5).sum() == 1, "one point of one frame moved"
    ras = [0.0, 0.0, 0.0]
    points.GetNthControlPointPositionWorld(0, ras)
    assert np.abs(after[away > 5][0] - np.array(ras) * [-1, -1, 1]).max() < 0.1

    combo = ui.heartTable.cellWidget(2, 1)
    app.mouse.choose(combo, "2-chamber")
    assert "↻" in ui.headlineLabel.text
    app.mouse.choose(ui.heartTable.cellWidget(2, 1), "auto: 3ch")
    app.settle()
    assert "↻" not in ui.headlineLabel.text


def test_the_reading_room_of_long_axis_alone(three, tmp_path, monkeypatch):
    from LaMoDSlicerLib.Widgets import FileDialogs

    app = three
    panel.predict(app)
    room = app.widget.readingPanel.ui.roomButton
    app.mouse.click(app.widget.ui.openRoomButton)
    app.settle()
    sheet = app.widget.readingPanel.room.alone
    assert "GLS −" in sheet.headline.text and "not predicted" in sheet.headline.text
    assert [sheet.pageSelector.itemText(i) for i in range(sheet.pageSelector.count)] == [
        "Curves", "Bullseye", "Segments", "Numbers", "Notes"
    ]  # fmt: skip
    app.mouse.choose(sheet.pageSelector, "Segments")
    assert (sheet.segments.rowCount, sheet.segments.item(0, 1).text()) == (18, "inferoseptal")
    app.mouse.choose(sheet.pageSelector, "Bullseye")
    app.settle()
    assert sheet.bullseye.pictureSize[0] > 0
    app.mouse.choose(sheet.viewSelector, "2-chamber")
    browser = sheet._node.browsers()[1]
    sheet.bar.slider.setValue(4)
    app.settle()
    assert [each.GetSelectedItemNumber() for each in sheet._node.browsers()] == [4, 4, 4], "views are in step"
    assert browser.GetSelectedItemNumber() == 4
    panel_ui = app.widget.readingPanel.ui
    monkeypatch.setattr(FileDialogs, "saveFile", lambda *_words: tmp_path / "strain.pdf")
    assert not panel_ui.tablesButton.enabled
    app.mouse.click(panel_ui.reportButton)
    assert "strain.pdf" in panel_ui.readingMessage.text
    assert (tmp_path / "strain.pdf").read_bytes().startswith(b"%PDF")
    monkeypatch.setattr(FileDialogs, "saveFile", lambda *_words: tmp_path / "strain.html")
    pytest.importorskip("bokeh")
    app.mouse.click(panel_ui.pageButton)
    assert app.mouse.spin(120, lambda: "strain.html" in panel_ui.readingMessage.text)
    page = (tmp_path / "strain.html").read_text(encoding="utf-8")
    assert "GLS, mid-wall" in page and "Three-chamber view" in page
    heart.click_row(app, 1)
    app.mouse.click(app.widget.ui.removeButton)
    app.settle()
    assert [row[0] for row in heart.rows(app)] == ["LA first", "LA third"]
    assert len(landmarks()) == 2
    assert "↻" in app.widget.ui.headlineLabel.text and "Out of date" in sheet.headline.text
    app.mouse.click(room)
    app.settle()


def test_next_to_short_axis(slicer_app, fake_worker, tmp_path):
    from LaMoDSlicerLib.Heart import HeartReader
    from LaMoDSlicerLib.Results.ResultNode import ResultNode
    from LaMoDSlicerLib.Scene import SampleHeart

    app, ui = slicer_app, slicer_app.widget.ui
    fake_worker("ok")
    _browser, masks = SampleHeart.addToScene(ring_at(0), "Ring")
    assert heart.add(app, *heart.masks(tmp_path)) == ""
    assert [row[0] for row in heart.rows(app)] == ["1 Ring", "LA first", "LA second", "LA third"]
    assert app.widget._parameters.masks is masks
    request = HeartReader.read(app.widget.sections.model, app.widget._parameters)
    assert [part.masksNodeId for part in request.parts] == [masks.GetID()]
    assert len(request.longAxis.parts) == 3
    panel.predict(app)
    headline = ui.headlineLabel.text
    assert headline.index("GLS −") < headline.index("GCS −") and "drawn contours, not predicted" in headline
    (result,) = ResultNode.all()
    app.mouse.click(ui.openRoomButton)
    app.settle()
    sheet = app.widget.readingPanel.sheet
    names = [sheet.ui.indicesTable.item(r, 0).text() for r in range(3)]
    assert names[0] == "GLS, mid-wall"
    app.mouse.choose(sheet.ui.bullseyeSelector, "Longitudinal, systolic peak (%)")
    app.settle()
    app.mouse.choose(sheet.ui.bullseyeSelector, "Peak Ecc (%)")
    bar = sheet.ui.tabs.tabBar()
    app.mouse.click(bar, bar.tabRect(1).center())
    app.settle()
    tab = app.widget.readingPanel.room.tab
    assert tab.widget.visible and "GLS −" in tab.headline.text
    result.browsers()[0].SetSelectedItemNumber(10)
    app.settle()
    assert tab._node.browsers()[0].GetSelectedItemNumber() == 4, "at the same phase"
    app.mouse.click(app.widget.readingPanel.ui.roomButton)
    app.settle()


def test_points_and_curves_on_a_cine(slicer_app, tmp_path):
    from LaMoDSlicerLib.LongAxis import LongAxisRows

    app = slicer_app
    message = heart.add(app, heart.write_guide_points(tmp_path / "points"))
    assert "lie in the plane of no cine" in message
    heart.add(app, heart.write_cine(tmp_path / "alone.seq.nrrd"))
    assert heart.rows(app) == [["LA alone", "auto: 4ch", DRAWN, "drawn"]]
    heart.add(app, heart.write_cine(tmp_path / "other.seq.nrrd", "two_chamber"))
    assert heart.rows(app)[1] == ["– other", "auto", DRAWN, "none"]
    draw_curves(tmp_path, frames=(0, 4))
    app.widget.onModified()
    assert heart.rows(app)[1] == ["LA other", "auto: 2ch", DRAWN, f"2 of {DRAWN}"]
    heart.add(app, heart.write_cine(tmp_path / "closed 4ch.seq.nrrd", "three_chamber"))
    heart.add(app, heart.write_markups(tmp_path / "closed.mrk.json", "three_chamber", closed=True))
    assert heart.rows(app)[2] == ["LA closed 4ch", "auto: 3ch", DRAWN, "drawn"], "position, not name"
    panel.predict(app)
    assert "GLS −" in app.widget.ui.headlineLabel.text
    row = app.widget.sections.model.longAxisRows[1]
    assert [node.GetClassName() for node in LongAxisRows.sliceOf(row).holders] == ["vtkMRMLMarkupsCurveNode"] * 4


def test_a_segmentation_next_to_a_short_axis_cine(slicer_app, ring):
    """The wall is one of several segments, in a plane across the short axis, and joins no short-axis cine."""
    import slicer
    from LaMoDSlicerLib.LongAxis import LongAxisRows
    from LaMoDSlicerLib.Scene.SequenceBuilder import SequenceBuilder
    from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry

    app, walls = slicer_app, heart.beating_walls(heart.FRAMES)[:, None]
    geometry = VolumeGeometry(walls.shape[1:], heart.long_axis_grid(30.0).ijk_to_lps)
    blobs = np.zeros_like(walls)
    blobs[:, 0, 5:25, 5:25] = True
    builder = SequenceBuilder(tuple(f"{90 * t}" for t in range(heart.FRAMES)), "ms")
    sequence = builder.segmentations("Long", {"Atrium": blobs, "Segment 2": walls}, geometry)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "Long browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    assert heart.rows(app) == [["1 Ring", "auto: mid", "25", "drawn"], ["LA Long", "auto: 4ch", DRAWN, "drawn"]]
    one = LongAxisRows.sliceOf(app.widget.sections.model.longAxisRows[0])
    assert np.array_equal(one.wall, walls[:, 0])

    # an edit of the wall is a change of the contours
    before = one.digest()
    frame = sequence.GetNthDataNode(3)
    values = slicer.util.arrayFromSegmentInternalBinaryLabelmap(frame, "Segment 2")
    rows, columns = np.nonzero(values[0])
    values[0, rows.max(), columns[rows.argmax()]] = 0
    frame.GetSegmentation().GetSegment("Segment 2").GetRepresentation("Binary labelmap").Modified()
    app.widget.onModified()
    app.settle()
    assert LongAxisRows.sliceOf(app.widget.sections.model.longAxisRows[0]).digest() != before


def draw_curves(folder, frames):
    """Add open curves of the two-chamber view to the scene."""
    import json

    import slicer

    content = json.loads(heart.write_markups(folder / "curves.mrk.json", "two_chamber").read_text())
    for markup in content["markups"]:
        if int(markup["name"].split()[1]) in frames:
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", markup["name"])
            for point in markup["controlPoints"]:
                x, y, z = point["position"]
                node.AddControlPointWorld(-x, -y, z)


REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "cine_biv_me"


@pytest.mark.skipif(not REAL.exists(), reason="the real cines are not there")
def test_guide_points_of_two_real_cines(slicer_app, pictures):
    app = slicer_app
    paths = [REAL / "dicom" / "Se6", REAL / "dicom" / "Se7", REAL / "guidepoints_long_axis"]
    assert heart.add(app, *paths) == ""
    assert heart.rows(app) == [["LA Se6", "auto: 4ch", "25", "drawn"], ["LA Se7", "auto: 3ch", "25", "drawn"]]
    panel.predict(app)
    assert app.widget.ui.headlineLabel.text.startswith("<b>GLS −22.7 %</b>")
    assert "MAPSE: 4-chamber 16, 20 mm; 3-chamber 12, 13 mm" in app.widget.ui.headlineLabel.text
    app.mouse.click(app.widget.ui.openRoomButton)
    app.settle()
    app.mouse.screenshot(pictures / "slicer-long-axis.png")
    app.mouse.click(app.widget.readingPanel.ui.roomButton)
    app.settle()
