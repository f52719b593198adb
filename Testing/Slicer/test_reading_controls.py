"""The reading room's controls: notes, keys, playing, the selected segment, layouts, styles, copies and exports."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from LaMoDCore.heart.notes import note
from Testing.Slicer.test_reading_room import _app, _leave, _load_first, _open_room, _quiet, folders

__all__ = ["folders"]


@pytest.fixture(scope="module")
def opened(host, folders):
    """The first result in the scene, and the reading room open, once for all tests of this file."""
    app = _app(host, None)
    _load_first(app, folders.first)
    yield app
    _leave(app)


@pytest.fixture
def room(opened, faults):
    """The open room at the first slice and at end-systole, without a selected segment."""
    app = opened
    app.faults = faults
    if not app.reading.ui.roomButton.checked:
        _open_room(app)
    app.sheet.ui.tabs.setCurrentWidget(app.sheet.ui.bullseyeTab)
    app.sheet.setSlice(0)
    if app.sheet._chosen is not None:
        app.sheet.chooseSegment(None)
    app.browser.SetSelectedItemNumber(app.node.numbers().endSystole)
    _quiet(app)
    return app


def _pixels(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGBA")).astype(int)


def _with_notes(room, *notes):
    room.node.setNumbers(replace(room.node.numbers(), notes=notes))
    room.reading.update()
    _quiet(room)


def test_many_warnings_leave_three_quarters_of_the_height_to_the_numbers(room):
    """Version 1 gave the box of warnings half of the height; the bullseye was crushed."""
    codes = ("wall_too_thin", "frames_missing", "segments_empty", "several_cines", "cycles_differ", "rr_contradicted")
    text = "A long sentence that explains in detail what was found in this slice and why it may matter for the result."
    _with_notes(room, *(note(code, f"{text} {code}.", slice=n) for n in (1, 2, 3) for code in codes))
    sheet = room.sheet
    height, width = sheet.widget.height, sheet.widget.width
    assert sheet.notes.height <= height / 4
    assert sheet.notes.verticalScrollBar().maximum() > 0, "the rest is reached by scrolling"
    shown = sheet.bullseye.pictureSize
    assert min(shown[0] / width, shown[1] / height) > 0.45, "the bullseye is crushed"
    table = sheet.ui.notesTable
    states = [table.item(row, 0).text() for row in range(table.rowCount)]
    assert states[: len(codes)] == ["⚠ Warning"] * len(codes)
    assert {"ℹ Note"} == set(states[len(codes) :])
    assert table.item(0, 1).text() == "slices 1–3"
    assert "→" in table.item(0, 2).text(), "the remedy"
    room.node.setNumbers(replace(room.node.numbers(), notes=()))
    room.reading.update()
    _quiet(room)
    assert sheet.notes.verticalScrollBar().maximum() == 0, "a short text needs no scrolling"


def test_keys_act_in_the_open_room_only(room, monkeypatch):
    import qt

    frames, numbers = room.sheet.frames, room.node.numbers()
    room.sheet.ui.esButton.setFocus()
    for key, frame in (("s", numbers.endSystole), ("d", 0), ("Right", 1), ("Left", 0), ("Left", 24)):
        room.mouse.key(key)
        assert room.browser.GetSelectedItemNumber() == frame, key
    room.mouse.key("Down")
    assert room.sheet.slice.number == 2
    room.mouse.key("3")
    assert room.sheet._chosen == 2
    room.mouse.key("0")
    assert room.sheet._chosen is None
    room.mouse.key("Up")
    assert room.sheet.slice.number == 1
    room.sheet.ui.tabs.setFocus()
    room.mouse.key("space")
    assert frames.player.isPlaying
    assert room.sheet.ui.playButton.text == "Pause"
    room.mouse.key("space")
    assert not frames.player.isPlaying

    field = qt.QLineEdit(room.window)
    field.show()
    field.setFocus()
    room.browser.SetSelectedItemNumber(3)
    for key in ("s", "d", "Left", "1"):
        room.mouse.key(key)
    assert (room.browser.GetSelectedItemNumber(), field.text) == (3, "s1d"), "typed into the field"
    field.clearFocus()
    field.deleteLater()

    for widget in (room.sheet.ui.sliceSelector, room.sheet.notes, room.sheet.ui.segmentsTable):
        room.sheet.ui.tabs.setCurrentWidget(room.sheet.ui.segmentsTab)
        widget.setFocus()
        room.browser.SetSelectedItemNumber(3)
        room.mouse.key("d")
        assert room.browser.GetSelectedItemNumber() == 0, "a list or table of the sheet leaves the letters to the room"
        room.mouse.key("Right")
        assert room.browser.GetSelectedItemNumber() == 0, "and keeps the arrows"
    room.browser.SetSelectedItemNumber(3)

    room.application._select_module("")  # another module
    room.mouse.key("s")
    assert room.browser.GetSelectedItemNumber() == 3
    room.application._select_module("LaMoDSlicer")
    room.settle()
    room.mouse.key("s")
    assert room.browser.GetSelectedItemNumber() == numbers.endSystole
    room.mouse.click(room.reading.ui.roomButton)
    room.settle()
    room.mouse.key("d")
    assert room.browser.GetSelectedItemNumber() == numbers.endSystole, "the room is closed"


def test_legends_fit_the_views_of_the_room(room):
    import slicer

    room.mouse.click(room.reading.ui.roomButton)
    room.settle()
    _open_room(room)
    _quiet(room)
    legends = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    shown = [legend for legend in legends if legend.GetVisibility()]
    assert shown
    for legend in shown:
        view = slicer.mrmlScene.GetNodeByID(legend.GetViewNodeIDs()[0])
        assert legend.GetNumberOfLabels() == (3 if view.GetDimensions()[0] < 300 else 5)


def test_every_key_is_listed_and_every_table_is_left_by_the_tab_key(room):
    ui = room.sheet.ui
    listed = [action.text for action in ui.keysButton.menu().actions()]
    for key in ("←", "→", "↑", "↓", "D", "S", "Space", "1 … 6, 0"):
        assert any(text.endswith(f"\t{key}") for text in listed), key
    assert not any(t.tabKeyNavigation for t in (ui.segmentsTable, ui.indicesTable, ui.notesTable))


def test_a_beat_takes_one_rr_interval_whatever_the_frame_times(host):
    from LaMoDSlicerLib.Reading.CinePlayer import CinePlayer

    player = CinePlayer(lambda: None, lambda _text: None)
    player._timesMs, player._rrMs, player._startPhaseMs = np.array([10.0, 50.0, 90.0, 400.0]), 1000.0, 10.0
    assert [player.frameAt(ms) for ms in (0, 39, 41, 79, 81, 389, 391)] == [0, 0, 1, 1, 2, 2, 3]
    assert [player.frameAt(ms) for ms in (600, 999)] == [3, 3], "the last frame is shown until the beat ends"
    assert [player.frameAt(ms) for ms in (1000, 2041)] == [0, 1]


def test_playing_follows_the_clock_and_slicers_own_playback_stops_it(room, monkeypatch):
    import sys

    slice_, frames, clock = room.sheet.slice, room.sheet.frames, [100.0]
    module = sys.modules["LaMoDSlicerLib.Reading.CinePlayer"]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    room.browser.SetSelectedItemNumber(0)
    room.mouse.click(room.sheet.ui.playButton)
    for seconds, speed in ((0.1, 1.0), (0.5, 1.0), (slice_.rrMs / 1000 + 0.2, 1.0)):
        clock[0] = 100.0 + seconds
        wanted = int(np.searchsorted(slice_.timesMs, 1000 * speed * seconds % slice_.rrMs, side="right")) - 1
        assert room.mouse.spin(10, lambda wanted=wanted: room.browser.GetSelectedItemNumber() == wanted), seconds
    frames.player.setSpeed(0.5)
    at = room.browser.GetSelectedItemNumber()
    clock[0] += 0.1
    wanted = int(np.searchsorted(slice_.timesMs, slice_.timesMs[at] + 50, side="right")) - 1
    assert room.mouse.spin(10, lambda: room.browser.GetSelectedItemNumber() == wanted), "half the speed"
    frames.player.setSpeed(1.0)
    assert room.browser.GetPlaybackRateFps() == pytest.approx(1000 / np.diff(slice_.timesMs).mean())
    room.browser.SetPlaybackActive(True)
    assert room.mouse.spin(10, lambda: not frames.player.isPlaying)
    room.browser.SetPlaybackActive(False)


def test_an_unexpected_error_ends_the_playing_with_one_message(host):
    from LaMoDSlicerLib.Reading.CinePlayer import CinePlayer

    def fails(_frame):
        raise RuntimeError("planned")

    names = {"GetScene": lambda: host, "GetPlaybackActive": lambda: False, "SetPlaybackActive": lambda _active: None}
    browser = SimpleNamespace(**names, GetSelectedItemNumber=lambda: -1, SetSelectedItemNumber=fails)
    messages = []
    player = CinePlayer(lambda: None, messages.append)
    player.play(browser, np.array([0.0, 50.0]), 1000.0)
    with pytest.raises(RuntimeError, match="planned"):
        player._onTimeout()
    player._onTimeout()
    assert not player.isPlaying
    assert messages == ["Playback stopped because of an error: planned. See the error log."]


def test_end_diastole_and_end_systole_are_marked_on_curves_slider_and_label(room):
    numbers, sheet = room.node.numbers(), room.sheet
    es, times = numbers.endSystole, sheet.slice.timesMs
    room.mouse.click(sheet.ui.esButton)
    assert room.browser.GetSelectedItemNumber() == es
    assert sheet.ui.frameLabel.text == f"frame {es + 1} of {len(times)} · {times[es]:.0f} ms · ES"
    places = sheet.frames.bar.markPlaces()
    assert abs(places["ES"] - sheet.frames.bar.columnOf(es)) <= 2
    assert places["ED"] < places["ES"]
    chart = room.plot._chart_node
    series = [chart.GetNthPlotSeriesNode(i) for i in range(17)]
    named = {node.GetName(): node for node in series}
    assert f"ES, frame {es + 1}, {times[es]:.0f} ms" in named
    table = named[f"ES, frame {es + 1}, {times[es]:.0f} ms"].GetTableNode().GetTable()
    assert [table.GetColumnByName("ES").GetValue(i) for i in (0, 1)] == [times[es]] * 2
    room.mouse.click(sheet.ui.edButton)
    assert sheet.ui.frameLabel.text.startswith("frame 1 of ")
    assert sheet.ui.frameLabel.text.endswith(" · ED")


def _outline_points(role="readingSegment"):
    import slicer
    from LaMoDSlicerLib.Scene import RoleNodes
    from vtk.util.numpy_support import vtk_to_numpy

    node = RoleNodes.find("vtkMRMLModelNode", role)
    if node is None or node.GetDisplayNode() is None:
        return None
    assert node.GetScene() is slicer.mrmlScene
    return vtk_to_numpy(node.GetPolyData().GetPoints().GetData()).astype(float)


def test_the_selected_segment_is_shown_everywhere_and_outlined_on_the_moving_wall(room):
    from LaMoDSlicerLib.Results.ResultScene import ResultScene

    sheet, slice_ = room.sheet, room.sheet.slice
    table = sheet.ui.segmentsTable
    sheet.ui.tabs.setCurrentWidget(sheet.ui.segmentsTab)
    room.settle()
    room.mouse.click(table.viewport(), table.visualItemRect(table.item(2, 2)).center())
    assert sheet._chosen == 2, "a row of the table selects its segment"
    _quiet(room)
    room.browser.SetSelectedItemNumber(0)
    still = _outline_points()
    motion = ResultScene(room.browser).motion
    index = int(np.argmin([np.abs(a - slice_.ijkToLps).max() for a in motion.ijkToLps]))
    at = still @ np.diag([-1, -1, 1]) - motion.ijkToLps[index][:3, 3]
    spacing = np.linalg.norm(motion.ijkToLps[index][:3, :2], axis=0)
    pixels = at @ (motion.ijkToLps[index][:3, :2] / spacing**2)
    rows, columns = np.nonzero(motion.myocardium[index])
    reach = np.hypot(*((pixels - [columns.mean(), rows.mean()]) * spacing).T)
    walls = np.hypot((columns - columns.mean()) * spacing[0], (rows - rows.mean()) * spacing[1])
    assert reach.min() > walls.min() - 2
    assert reach.max() < walls.max() + 2
    angles = np.unwrap(np.sort(np.arctan2(*(pixels - [columns.mean(), rows.mean()]).T)))
    assert np.degrees(2 * np.pi - np.diff(np.append(angles, angles[0] + 2 * np.pi)).max()) == pytest.approx(60, abs=12)
    room.browser.SetSelectedItemNumber(room.node.numbers().endSystole)
    moved = _outline_points()
    assert np.linalg.norm(moved - still, axis=1).mean() > 1.0, "the outline follows the wall"
    before = room.window.red.picture().astype(int)
    sheet.ui.tabs.setCurrentWidget(sheet.ui.matrixTab)
    _quiet(room)
    chosen = _pixels(sheet.matrix._file)
    room.mouse.key("0")
    _quiet(room)
    assert _outline_points() is None
    assert (before != room.window.red.picture()).any(axis=2).sum() > 100, "the outline was in the slice view"
    assert (chosen != _pixels(sheet.matrix._file)).any(axis=2).sum() > 200, "the rows were framed in the matrix"
    assert table.selectedItems() == []


def test_a_click_on_a_name_in_the_matrix_selects_the_segment(room):
    from PySide6 import QtCore

    sheet = room.sheet
    sheet.ui.tabs.setCurrentWidget(sheet.ui.matrixTab)
    _quiet(room)
    width, height = sheet.matrix.pictureSize
    frame = room.browser.GetSelectedItemNumber()
    box = sheet._matrixPicture().BOX
    place = QtCore.QPoint(round(box[0] * width / 2), round((1 - box[1] - box[3] + box[3] * 3.5 / 6) * height))
    room.mouse.click(sheet.matrix, place)
    assert sheet._chosen == 3
    assert room.browser.GetSelectedItemNumber() == frame
    sheet.ui.tabs.setCurrentWidget(sheet.ui.bullseyeTab)


def test_segments_have_one_number_in_table_curves_matrix_and_view(room, tmp_path):
    """Version 1 wrote “1 anteroseptal” in the table and “8 anteroseptal” in the slice view."""
    import slicer
    from LaMoDSlicerLib.Display.SegmentLines import SegmentLines

    from LaMoDCore.strain.segments import label_segments
    from Testing.Slicer import reading_heart
    from Testing.Slicer.ring_heart import grid

    room.sheet.setSlice(1)
    (drawn,) = reading_heart.slices(["mid"], grid())
    labels = label_segments(drawn.myocardium[0], drawn.grid, "mid", reading_heart.insertion_of(drawn, 130.0))
    SegmentLines().show([drawn], SimpleNamespace(segments=lambda *_: labels), 0)
    names = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")[-1]
    in_view = {names.GetNthControlPointLabel(i) for i in range(names.GetNumberOfControlPoints())}
    SegmentLines().hide()
    table = room.sheet.ui.segmentsTable
    in_table = {table.item(row, 2).text() for row in range(table.rowCount) if table.item(row, 0).text() == "2 mid"}
    chart = room.plot._chart_node
    in_legend = {chart.GetNthPlotSeriesNode(i).GetName() for i in range(17)}
    assert in_view == in_table - {"whole slice"}
    assert in_view < in_legend
    assert "1 anteroseptal" in in_view
    assert table.horizontalHeaderItem(1).text() == "AHA"


def test_closing_restores_layout_camera_and_planes(room):
    import slicer

    _leave(room)
    layouts = slicer.app.layoutManager()
    red = layouts.sliceWidget("Red").mrmlSliceNode()
    red.SetOrientationToCoronal()
    red.SetSliceOffset(12.0)
    red.SetFieldOfView(*(0.5 * v for v in red.GetFieldOfView()[:2]), 1.0)
    camera = slicer.util.getNodesByClass("vtkMRMLCameraNode")[0]
    camera.SetPosition(10.0, 700.0, 30.0)

    def state():
        room.settle()
        plane = slicer.util.arrayFromVTKMatrix(red.GetSliceToRAS())
        return layouts.layout, plane, red.GetFieldOfView(), camera.GetPosition(), camera.GetViewUp()

    before = state()
    _open_room(room)
    _quiet(room)
    assert layouts.layout != before[0]
    assert not np.allclose(slicer.util.arrayFromVTKMatrix(red.GetSliceToRAS()), before[1])
    room.mouse.click(room.reading.ui.roomButton)
    after = state()
    assert after[0] == before[0]
    for then, now in zip(before[1:], after[1:], strict=True):
        assert np.allclose(then, now, rtol=1e-6, atol=1e-6)


def test_the_room_fits_1024_by_768(room, folders):
    """In version 1, opening the reading room made the window wider than the screen."""
    from LaMoDSlicerLib.Reading import ReadingLayout
    from LaMoDSlicerLib.Results import ResultImport
    from PySide6 import QtWidgets

    _leave(room)
    before = QtWidgets.QWidget.size(room.window)
    size = (1012, 736)  # 1024 × 768 without the frame of the window
    room.window.showNormal()
    room.window.resize(*size)
    room.mouse.spin(0.5)
    ResultImport.load(folders.second)
    room.settle()
    _open_room(room)
    _quiet(room)
    assert ReadingLayout.isNarrow()
    assert not room.plot._chart_node.GetLegendVisibility(), "the legend would cover the curves"
    for second in ("None", "second"):
        room.mouse.choose(room.reading.ui.secondSelector, second)
        _quiet(room)
        found = QtWidgets.QWidget.size(room.window)
        assert (found.width(), found.height()) == size, second
        assert min(room.sheet.bullseye.pictureSize) >= 200 or second == "second"
    room.mouse.choose(room.reading.ui.secondSelector, "None")
    _leave(room)
    room.window.resize(before)
    room.mouse.spin(0.3)
    _open_room(room)
    _quiet(room)
    assert room.plot._chart_node.GetLegendVisibility()


def test_pictures_follow_the_dark_style_and_the_pixels_of_the_screen(room, monkeypatch):
    import qt
    from LaMoDSlicerLib.Reading.PictureCanvas import PictureStyle

    picture = room.sheet.bullseye
    palette = qt.QPalette()
    palette.setColor(qt.QPalette.Window, qt.QColor("#303030"))
    palette.setColor(qt.QPalette.WindowText, qt.QColor("#ffffff"))
    light = _pixels(picture._file)
    assert light[0, 0, 3] == 0, "the background is that of the panel"
    title = light[4:30, 4:120]
    assert title[title[..., 3] > 250][:, :3].max() < 120, "dark text on a light background"
    picture.setPalette(palette)
    _quiet(room)
    dark = _pixels(picture._file)[4:30, 4:120]
    assert dark[dark[..., 3] > 250][:, :3].min() > 150, "light text on a dark background"
    picture.setPalette(qt.QPalette())
    shown = []
    monkeypatch.setattr(PictureStyle, "_ratioOf", staticmethod(lambda _widget: 2.0))
    monkeypatch.setattr(picture, "setPixmap", shown.append)
    picture.redraw()
    width, height = picture.pictureSize
    assert _pixels(picture._file).shape[:2] == (2 * height, 2 * width)
    assert shown[0].devicePixelRatio() == 2.0, "the picture has the size of the widget"
    monkeypatch.undo()
    picture.redraw()


def test_text_of_pictures_grows_with_the_font_of_the_application(host):
    import qt
    from LaMoDSlicerLib.Reading.PictureCanvas import PictureStyle

    label = qt.QLabel()
    font = qt.QFont(label.font)
    font.setPixelSize(19)
    label.setFont(font)
    assert PictureStyle.ofWidget(label).textScale == pytest.approx(19 / PictureStyle.TEXT_PIXELS)


def test_a_table_is_copied_with_one_click(room):
    import qt

    ui = room.sheet.ui
    for tab, table, button in (
        (ui.segmentsTab, ui.segmentsTable, ui.copySegmentsButton),
        (ui.indicesTab, ui.indicesTable, ui.copyIndicesButton),
        (ui.notesTab, ui.notesTable, ui.copyNotesButton),
    ):
        ui.tabs.setCurrentWidget(tab)
        room.settle()
        room.mouse.click(button)
        lines = qt.QApplication.clipboard().text().splitlines()
        assert len(lines) == 1 + table.rowCount
        assert lines[0].split("\t")[0] == table.horizontalHeaderItem(0).text()
    ui.tabs.setCurrentWidget(ui.indicesTab)
    room.mouse.click(ui.copyIndicesButton)
    cells = [line.split("\t") for line in qt.QApplication.clipboard().text().splitlines()]
    assert float(cells[1][1]) < 0, "a plain number; the unit has its own column"
    assert cells[1][2] == "%"
    ui.tabs.setCurrentWidget(ui.bullseyeTab)


def test_exports_ask_before_they_replace_files_and_are_complete_or_absent(room, tmp_path, monkeypatch):
    import qt
    import slicer
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable

    questions, answer = [], [False]
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_arguments: str(tmp_path))
    monkeypatch.setattr(
        slicer.util, "confirmOkCancelDisplay", lambda text, **_options: questions.append(text) or answer[0]
    )
    (tmp_path / "numbers.csv").write_text("mine")
    room.mouse.click(room.reading.ui.tablesButton)
    assert "numbers.csv" in questions[0]
    assert [p.name for p in tmp_path.iterdir()] == ["numbers.csv"]
    answer[0] = True
    monkeypatch.setattr(IndexTable, "fileRows", lambda _self: (_ for _ in ()).throw(OSError(28, "No space left")))
    room.mouse.click(room.reading.ui.tablesButton)
    assert "No space left" in room.reading.ui.readingMessage.text
    assert [p.name for p in tmp_path.iterdir()] == ["numbers.csv"], "nothing is half-written"
    assert (tmp_path / "numbers.csv").read_text() == "mine"


def test_dicom_export_installs_its_package_before_it_asks_for_a_folder(room, monkeypatch):
    import qt
    from LaMoDSlicerLib.Inputs.InputError import InputError
    from LaMoDSlicerLib.Results.DicomExport import DicomExport
    from LaMoDSlicerLib.Worker import Dependencies

    asked = []

    def declined(requirements):
        asked.append(requirements)
        raise InputError("LaMoD needs highdicom, which was not installed.")

    monkeypatch.setattr(Dependencies, "ensureOnly", declined)
    monkeypatch.setattr(qt.QFileDialog, "getExistingDirectory", lambda *_arguments: pytest.fail("asked for a folder"))
    room.mouse.click(room.reading.ui.dicomButton)
    assert asked == [DicomExport.PACKAGES]
    assert "highdicom" in room.reading.ui.readingMessage.text


def _page(text):
    """The data that a page for browsers embeds."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_a_page_is_saved_in_the_background_by_one_click(room, tmp_path, monkeypatch):
    import qt
    from LaMoDSlicerLib.Results.PageExport import PageExport
    from LaMoDSlicerLib.Worker import Dependencies

    pytest.importorskip("bokeh")
    button, asked, turns = room.reading.ui.pageButton, [], []
    path = tmp_path / "heart.html"
    monkeypatch.setattr(Dependencies, "ensureOnly", asked.append)
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_arguments: str(path.with_suffix("")))
    room.mouse.click(button)
    assert asked == [PageExport.PACKAGES] and button.text == "Cancel page"
    assert room.reading.ui.readingMessage.text == "Writing the page…"
    room.mouse.spin(120, lambda: turns.append(None) or button.text == "Save page…")
    assert len(turns) > len(room.node.numbers().slices), "Slicer handles events between the steps"
    assert room.reading.ui.readingMessage.text == "Written: heart.html"
    text, summary = path.read_text(encoding="utf-8"), room.node.numbers().summary
    data = _page(text)
    assert data["heart_peaks"]["ecc"] == pytest.approx(100 * summary["global"]["gcs_peak"], abs=1e-3)
    assert [each["level"] for each in data["slices"]] == ["base", "mid", "apex"]
    rows = [row.split(",") for row in data["segments_csv"].splitlines()]
    place = rows[0].index("ecc")
    shown = [float(row[place]) for row in rows[1:] if row[rows[0].index("slice")] == "2"]
    curves = room.node.numbers().slices[1].curves["ecc"]
    np.testing.assert_allclose(np.sort(shown), np.sort(curves.ravel()), atol=1e-6)
    assert list(tmp_path.iterdir()) == [path]


def test_a_page_names_the_patient_on_request_only_and_is_cancelled_by_a_click(room, tmp_path, monkeypatch):
    import qt
    from LaMoDSlicerLib.Results.PageExport import PageExport
    from LaMoDSlicerLib.Worker import Dependencies
    from LaMoDSlicerLib.Worker.SlicedWork import completed

    pytest.importorskip("bokeh")
    texts = []
    for identity in ({}, {"PatientName": "Doe^Jane <i>"}):
        (path,) = completed(PageExport(room.node, identity).steps(tmp_path / "page.html"))
        texts.append(path.read_text(encoding="utf-8"))
        path.unlink()
    assert "Doe^Jane" not in texts[0] and "<bdi>Doe^Jane &lt;i&gt;</bdi>" in texts[1]
    monkeypatch.setattr(Dependencies, "ensureOnly", lambda _requirements: None)
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_arguments: str(tmp_path / "page.html"))
    button = room.reading.ui.pageButton
    room.mouse.click(button)
    room.mouse.click(button)
    assert room.reading.ui.readingMessage.text == "The page was cancelled." and button.text == "Save page…"
    _quiet(room)
    assert list(tmp_path.iterdir()) == []


def test_a_page_shows_the_long_axis_of_the_result(room, tmp_path):
    from LaMoDSlicerLib.LongAxis import LongAxisKeeper
    from LaMoDSlicerLib.Results.PageExport import PageExport
    from LaMoDSlicerLib.Worker.SlicedWork import completed

    from LaMoDCore.io.long_axis.reader import load_long_axis
    from LaMoDCore.prediction.long_axis import write_long_axis_alone
    from Testing.Slicer import long_axis_heart

    pytest.importorskip("bokeh")
    write_long_axis_alone(load_long_axis(long_axis_heart.masks(tmp_path)), tmp_path / "out", report=False)
    LongAxisKeeper.addTo(room.node.node, LongAxisKeeper.read(tmp_path / "out"), None, "long axis")
    (path,) = completed(PageExport(room.node, {}).steps(tmp_path / "page.html"))
    LongAxisKeeper.removeOf(room.node.node)
    _quiet(room)
    text = path.read_text(encoding="utf-8")
    views = _page(text)["long_axis"]["views"]
    assert [view["label"] for view in views] == ["four-chamber", "two-chamber", "three-chamber"]
    assert text.index("GLS, systolic peak") < text.index("GCS, peak")
    assert min(views[0]["walls"][0]["percent"]) < -5


def test_a_movie_beats_with_the_rr_interval_and_names_nobody(room, tmp_path):
    import slicer
    from PIL import Image

    annotation = slicer.app.layoutManager().sliceWidget("Red").sliceView().cornerAnnotation()
    annotation.SetText(2, "Doe^Jane")
    annotation.SetVisibility(True)
    room.browser.SetSelectedItemNumber(4)
    with_name = room.window.red.picture().astype(int)
    path = tmp_path / "strain.gif"
    room.reading.film(path)
    assert room.mouse.spin(10, lambda: room.reading.ui.readingMessage.text.startswith("Filming: frame 1 of "))
    assert room.reading.ui.movieButton.text == "Cancel movie"
    assert room.mouse.spin(60, lambda: room.reading.ui.movieButton.text == "Movie…")
    assert room.reading.ui.readingMessage.text == "Written: strain.gif"
    assert room.browser.GetSelectedItemNumber() == 4
    assert annotation.GetVisibility()
    movie, durations, pages = Image.open(path), [], []
    for frame in range(movie.n_frames):
        movie.seek(frame)
        durations.append(movie.info["duration"])
        pages.append(np.asarray(movie.convert("RGB")).astype(int))
    assert sum(durations) == pytest.approx(room.sheet.slice.rrMs, abs=10)
    assert "loop" in movie.info
    height, width = with_name.shape[:2]
    corner = (slice(0, height // 8), slice(0, width // 3))
    assert with_name[corner].max() > 150, "the name is in the corner of the view"
    assert pages[0][corner].max() < 100, "the name is in the movie"
    assert np.abs(pages[0] - pages[9]).max(axis=2)[:height, :width].astype(bool).sum() > 500, "the wall moves"
    annotation.SetText(2, "")
    assert list(tmp_path.iterdir()) == [path]


def test_a_cancelled_movie_writes_nothing_and_png_pictures_are_numbered_from_1(room, tmp_path, monkeypatch):
    room.reading.film(tmp_path / "strain.png")
    room.mouse.spin(10, lambda: room.reading._movie._pictures)
    room.mouse.click(room.reading.ui.movieButton)
    assert room.reading.ui.readingMessage.text == "The movie was cancelled."
    assert list(tmp_path.iterdir()) == []
    times = room.sheet.slice.timesMs
    room.reading.film(tmp_path / "strain.png")
    assert room.mouse.spin(60, lambda: room.reading._movie is None)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"strain-{n:02d}.png" for n in range(1, len(times) + 1)]
    room.reading.film(tmp_path / "again.gif")
    room.mouse.spin(10, lambda: room.reading._movie._pictures)
    _leave(room)
    assert room.reading._movie is None, "closing the room ends the movie"
    assert not (tmp_path / "again.gif").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_an_unexpected_error_ends_the_movie(room, tmp_path, monkeypatch):
    import slicer
    from LaMoDSlicerLib.Results.MovieExport import MovieExport

    def fails(_self):
        raise RuntimeError("planned")

    monkeypatch.setattr(MovieExport, "_picture", fails)
    annotation = slicer.app.layoutManager().sliceWidget("Red").sliceView().cornerAnnotation()
    annotation.SetVisibility(True)
    room.reading.film(tmp_path / "strain.gif")
    assert room.mouse.spin(20, lambda: room.reading._movie is None)
    assert room.reading.ui.readingMessage.text == "The movie could not be written: planned."
    assert annotation.GetVisibility()
    assert list(tmp_path.iterdir()) == []
    assert "planned" in room.faults.found.pop()
    assert not room.faults.found
