"""Which result each view shows, and that every setting of the Display section reaches every view that shows one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from Testing.Slicer import panel, reading_heart
from Testing.Slicer.conftest import add_ring, fresh
from Testing.Slicer.ring_heart import grid, heart

SMALL = 64
FRAMES = 11  # a node is added for each quantity and frame
APART = 4  # slice spacings, more than slices of one stack have


def folder_of(home, name, levels=("mid",), strength=1.0, samples=3):
    """A result folder of rings that are far apart, each with its own browser when loaded."""
    drawn = reading_heart.slices(levels, grid(SMALL, 2.8), APART, FRAMES)
    factor = np.full((SMALL, SMALL), strength)
    reading_heart.write_reading(home / name, drawn, [reading_heart.motion_of(s, factor, samples) for s in drawn])
    return home / name


def composites():
    import slicer

    return {node.GetLayoutName(): node for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")}


def slice_node(name):
    import slicer

    return next(n for n in slicer.util.getNodesByClass("vtkMRMLSliceNode") if n.GetLayoutName() == name)


def legend_of(volume):
    import slicer

    return slicer.modules.colors.logic().GetColorLegendDisplayNode(volume)


def legends_in(name):
    """The visible legends of a view."""
    import slicer

    nodes = slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    return [n for n in nodes if n.GetVisibility() and n.IsDisplayableInView(slice_node(name).GetID())]


def values_of(legend, display):
    """The texts next to a legend, and the values at their places."""
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    exact = np.linspace(low, high, legend.GetNumberOfLabels())
    return [(legend.GetLabelFormat() % value).strip() for value in exact], exact


def visible_lines(result, name):
    """The roles of lines that a view shows."""
    from LaMoDSlicerLib.Results.ResultScene import ResultScene

    view = slice_node(name).GetID()
    displays = {role: result.proxy(role).GetDisplayNode() for role in ResultScene.LINES}
    return {
        r
        for r, d in displays.items()
        if d is not None and d.GetVisibility() and d.GetVisibility2D() and d.IsDisplayableInView(view)
    }


@pytest.fixture(scope="module")
def folders(host, tmp_path_factory):
    home = tmp_path_factory.mktemp("results")
    return SimpleNamespace(
        first=folder_of(home, "first"),
        second=folder_of(home, "second", strength=0.5),
        third=folder_of(home, "third", strength=0.8),
        series=folder_of(home, "series", ("base", "mid", "apex")),
    )


@pytest.fixture
def app(host, faults):
    opened = fresh(host)
    opened.parameters, opened.panel = opened.widget._parameters, opened.widget.displayPanel
    opened.faults = faults
    yield opened
    opened.widget.readingPanel.ui.roomButton.checked = False
    opened.settle()


def load(app, folder):
    """The result, as the current one, and its first browser's ResultScene."""
    from LaMoDSlicerLib.Results import ResultImport

    node = ResultImport.load(folder)
    app.panel.views.present(node, app.parameters)
    app.settle()
    return node


def scene_of(node, index=0):
    from LaMoDSlicerLib.Results.ResultScene import ResultScene

    return ResultScene(node.browsers()[index])


@pytest.fixture
def compared(app, folders):
    """Two results next to each other and their difference."""
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    first = load(app, folders.first)
    app.widget.readingPanel.loadSecond(folders.second)
    app.settle()
    (second,) = [node for node in ResultNode.all() if node.name == "second"]
    app.first, app.second = scene_of(first), scene_of(second)
    return app


def test_every_setting_reaches_every_view(compared):
    """In version 1, settings reached one of two results, and the legend described that one."""
    p, first, second = compared.parameters, compared.first, compared.second
    p.opacity, p.strainRange, p.showGrid, p.showTracks, p.showDrawn = 35.0, 15.0, True, True, False
    compared.settle()
    layers = composites()
    for name, result in (("Red", first), ("Yellow", second)):
        volume = result.proxy("ecc")
        assert layers[name].GetForegroundVolumeID() == volume.GetID(), name
        assert layers[name].GetForegroundOpacity() == pytest.approx(0.35), name
        display = volume.GetDisplayNode()
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-15.0, 15.0), name
        assert visible_lines(result, name) == {"contours", "arrows", "grid", "tracks"}, name
        assert [legend.GetDisplayableNode().GetID() for legend in legends_in(name)] == [volume.GetID()], name
    assert visible_lines(first, "Yellow") == visible_lines(second, "Red") == set()
    assert [legend.GetTitleText() for legend in legends_in("Green")] == ["ΔEcc (%)"]
    assert layers["Green"].GetForegroundOpacity() == pytest.approx(0.35)
    p.quantity, p.radialRange, p.showLegend = type(p.quantity)("err"), 40.0, False
    compared.settle()
    for name, result in (("Red", first), ("Yellow", second)):
        assert layers[name].GetForegroundVolumeID() == result.proxy("err").GetID(), name
        assert result.proxy("err").GetDisplayNode().GetWindowLevelMax() == 40.0, name
        assert legends_in(name) == [], name
    assert layers["Green"].GetForegroundVolumeID() == first.proxy("difference").GetID()
    assert legends_in("Green") == []


def test_each_view_of_a_comparison_has_a_title(compared):
    shown = compared.widget.readingPanel._views._titles
    assert shown.titles == {"Red": "First: Slice 1, mid", "Yellow": "Second: Slice 1, mid", "Green": "First − second"}
    compared.widget.readingPanel.ui.roomButton.checked = False
    compared.settle()
    assert shown.titles == {}


def test_spacing_and_scale_of_lines_reach_every_view(compared):
    p = compared.parameters
    p.glyphSpacing, p.glyphScale = 9.0, 2.0
    compared.settle()
    assert compared.first.shapeOf("arrows") == compared.second.shapeOf("arrows") == "9 mm × 2"


def test_the_difference_is_that_of_the_chosen_results(compared, folders):
    """A third result chosen for comparison must not be shown with the difference of the second."""
    import slicer

    def largest():
        values = slicer.util.arrayFromVolume(compared.first.proxy("difference"))
        return np.abs(values[values > -500]).max()

    before = largest()
    compared.widget.readingPanel.loadSecond(folders.third)
    compared.settle()
    assert largest() < 0.6 * before


@pytest.mark.parametrize(
    ("quantity", "setting", "limit"),
    [("ecc", "strainRange", 25), ("err", "radialRange", 45), ("uncertainty", "uncertaintyRange", 5),
     ("displacement", "displacementRange", 7)],
)  # fmt: skip
def test_the_values_of_a_legend_are_exact(app, folders, quantity, setting, limit):
    """In version 1, the middle of 0 … 5 was labelled 2."""
    load(app, folders.first)
    p = app.parameters
    p.quantity = type(p.quantity)(quantity)
    setattr(p, setting, float(limit))
    app.settle()
    volume = app.panel.result.proxy(quantity)
    texts, exact = values_of(legend_of(volume), volume.GetDisplayNode())
    assert [float(text) for text in texts] == pytest.approx(exact)
    assert len(texts) >= 3
    assert max(exact) == limit
    unit = "mm" if quantity == "displacement" else "%"
    assert legend_of(volume).GetTitleText().endswith(f"({unit})")


def test_a_legend_is_taller_in_a_small_view(app, folders):
    """Its labels would overlap."""
    from LaMoDSlicerLib.Display import ResultDisplay

    load(app, folders.first)
    legend = legend_of(app.panel.result.proxy("ecc"))
    assert legend.GetSize()[1] == pytest.approx(0.3)
    node = slice_node("Red")
    before = node.GetDimensions()
    sizes = {"large": (500, 700, 1), "small": (180, 240, 1), "tiny": (100, 100, 1), "not shown": (0, 0, 1)}
    found = {}
    for name, size in sizes.items():
        node.SetDimensions(*size)
        found[name] = ResultDisplay._legendSide([node.GetID()], 1, *ResultDisplay._LEGEND_HEIGHT)
    node.SetDimensions(*before)
    assert found == {"large": 0.3, "small": 0.5, "tiny": 0.6, "not shown": 0.3}


def test_a_legend_has_three_labels_in_a_narrow_view(app, folders):
    """The five labels would cover the heart."""
    from LaMoDSlicerLib.Display import ResultDisplay

    node = slice_node("Red")
    before = node.GetDimensions()
    found = {}
    for width in (700, 220, 0):
        node.SetDimensions(width, 500, 1)
        found[width] = ResultDisplay._labels([node.GetID()])
    node.SetDimensions(*before)
    assert found == {700: 5, 220: 3, 0: 5}


def test_one_table_has_the_range_of_every_quantity(app, folders, tmp_path):
    """The wall, the pictures of the reading room and the report of a scene have the range that Display sets."""
    from LaMoDSlicerLib.Display import ColourRanges
    from LaMoDSlicerLib.Reading.BullseyePicture import BullseyeQuantity
    from LaMoDSlicerLib.Results.ResultReport import ResultReport

    from LaMoDCore.heart.colour_ranges import COLOUR_RANGES

    node, p = load(app, folders.first), app.parameters
    assert p.strainRange == COLOUR_RANGES["ecc"] == 25.0
    assert p.radialRange == COLOUR_RANGES["err"]
    p.strainRange, p.radialRange = 30.0, 80.0
    app.settle()
    assert ColourRanges.limits("ecc") == ColourRanges.limits("e2") == (-30.0, 30.0)
    assert ColourRanges.limits("err") == ColourRanges.limits("e1") == (-80.0, 80.0)
    for values in (np.array([-12.0]), np.array([-70.0, 3.0]), np.array([np.nan])):
        assert BullseyeQuantity.PEAK_ECC.limits(values) == BullseyeQuantity.ES_ECC.limits(values) == (-30.0, 30.0)
        assert BullseyeQuantity.PEAK_ERR.limits(values) == (-80.0, 80.0)
    page = ResultReport(node).draw({})
    images = [image for ax in page.axes for image in ax.images if image.cmap.name == "RdBu_r"]
    assert {image.get_clim() for image in images} == {(-30.0, 30.0)}


def test_results_do_not_draw_over_each_other(app, folders):
    """Both lie in one plane; in version 1, the lines of both were drawn in every view."""
    load(app, folders.first)
    first = app.panel.result
    second = scene_of(load(app, folders.second))
    for shown, hidden in ((second, first), (first, second)):
        app.parameters.resultBrowser = shown.browserNode
        composites()["Red"].SetBackgroundVolumeID(shown.background().GetID())
        app.settle()
        assert visible_lines(hidden, "Red") == set()
        assert visible_lines(shown, "Red") == {"contours", "drawn", "arrows"}
        assert [n.GetDisplayableNode().GetID() for n in legends_in("Red")] == [shown.proxy("ecc").GetID()]
        assert composites()["Red"].GetForegroundVolumeID() == shown.proxy("ecc").GetID()
        assert not hidden.proxy("wall").GetDisplayNode().GetVisibility()


def test_a_prediction_is_shown_at_end_systole_without_the_masks(host, faults, tmp_path):
    from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
    from LaMoDSlicerLib.Results import ResultImport

    app = fresh(host)
    ring = add_ring(app)
    ring.browser.SetSelectedItemNumber(3)
    ring.segmentation.GetDisplayNode().SetVisibility(True)
    request = RequestReader(app.widget._parameters).read()
    masks = request.masks
    reading_heart.write_for_masks(
        tmp_path / "r", masks.labels == masks.MYOCARDIUM, masks.geometry.ijkToLps, masks.timesMs
    )
    result = ResultImport.read(tmp_path / "r")
    app.widget.logic.showResult(result, request, app.widget._parameters)
    app.settle()
    assert ring.browser.GetSelectedItemNumber() == result.es_frame
    assert not ring.segmentation.GetDisplayNode().GetVisibility()
    wall = panel.wall_in_view(app.window.red, ring.slice.myocardium[result.es_frame], ring.slice.grid)
    assert wall.mean() > 0.05, "the view is not zoomed to the heart"
    assert (panel.coloured(app.window.red.picture()) & wall).sum() > 0.9 * wall.sum()


def test_series_are_shown_in_the_views_and_stay_at_one_phase(app, folders):
    """The middle series in the red view, the others next to it, each with its own colours."""
    node = load(app, folders.series)
    browsers = node.browsers()
    assert len({b.GetID() for b in browsers}) == 3
    layers = composites()
    for name, index in (("Red", 1), ("Yellow", 0), ("Green", 2)):
        assert layers[name].GetForegroundVolumeID() == scene_of(node, index).proxy("ecc").GetID(), name
        assert visible_lines(scene_of(node, index), name), name
    assert {b.GetSelectedItemNumber() for b in browsers} == {node.numbers().endSystole}
    for leader in browsers:
        leader.SetSelectedItemNumber((leader.GetSelectedItemNumber() + 3) % 12)
        assert len({b.GetSelectedItemNumber() for b in browsers}) == 1


def test_a_saved_scene_with_several_series_opens_with_colours(app, folders, tmp_path):
    import slicer
    from LaMoDSlicerLib.Results.ResultNode import ResultNode

    load(app, folders.series)
    app.parameters.strainRange = 20.0
    app.settle()
    before = panel.coloured(app.window.red.picture(), 0.35).sum()
    assert before > 2000
    path = str(tmp_path / "scene.mrb")
    assert slicer.app.coreIOManager().saveScene(path)
    slicer.mrmlScene.Clear(0)
    app.settle()
    slicer.util.loadScene(path)
    app.settle()
    (node,) = ResultNode.all()
    layers = composites()
    for name, index in (("Red", 1), ("Yellow", 0), ("Green", 2)):
        assert layers[name].GetForegroundVolumeID() == scene_of(node, index).proxy("ecc").GetID(), name
    assert panel.coloured(app.window.red.picture(), 0.35).sum() > 0.9 * before
    # the stand-in's scene reader warns about the rotated slice view, as Slicer's does
    app.faults.found[:] = [f for f in app.faults.found if "orientation preset name: Reformat" not in f]


def test_only_what_is_shown_is_copied_at_a_step(app, folders):
    """Slicer copies every sequence whose playback is on at each frame."""
    from LaMoDSlicerLib.Results.ResultNode import ResultNode
    from LaMoDSlicerLib.Results.ResultScene import ResultScene

    load(app, folders.first)
    result, p = app.panel.result, app.parameters

    def playing():
        sequences = {role: result.sequence(role) for role in ResultScene.ROLES}
        return {role for role, s in sequences.items() if s is not None and result.browserNode.GetPlayback(s)}

    assert playing() == {"ecc", "contours", "drawn", "arrows", "wall"}
    p.quantity, p.showGlyphs, p.showGrid = type(p.quantity)("err"), False, True
    app.settle()
    assert playing() == {"err", "contours", "drawn", "grid", "wall"}
    load(app, folders.second)
    assert playing() == set(), "a hidden result is copied"
    app.widget.displayPanel.views.present(ResultNode.ofBrowser(result.browserNode), app.parameters)
    result.browserNode.SetSelectedItemNumber(5)
    app.settle()
    import slicer

    shown = slicer.util.arrayFromVolume(result.proxy("err"))
    assert np.array_equal(shown, slicer.util.arrayFromVolume(result.sequence("err").GetNthDataNode(5)))


def test_the_wall_in_3d_has_the_colours_of_the_quantity_and_is_seen_from_outside(app, folders):
    import slicer
    from vtk.util.numpy_support import vtk_to_numpy

    load(app, folders.series)
    camera = slicer.util.getNodesByClass("vtkMRMLCameraNode")[0]
    bounds = np.zeros(6)
    result = app.panel.result
    mesh = result.proxy("wall").GetPolyData()
    mesh.GetBounds(bounds)
    position = np.array(camera.GetPosition())
    assert ((position < bounds[::2]) | (position > bounds[1::2])).any(), "the camera is inside the wall"
    display = result.proxy("wall").GetDisplayNode()
    assert display.GetVisibility3D()
    assert display.GetScalarVisibility()
    for quantity in ("ecc", "err"):
        app.parameters.quantity = type(app.parameters.quantity)(quantity)
        app.settle()
        assert display.GetActiveScalarName() == quantity
        values = vtk_to_numpy(mesh.GetPointData().GetArray(quantity))
        shown = slicer.util.arrayFromVolume(result.proxy(quantity))
        shown = shown[shown > -500]
        assert shown.min() - 1 < values.min() < values.max() < shown.max() + 1
    contours = result.proxy("contours").GetDisplayNode()
    assert not contours.GetVisibility3D()


@pytest.mark.parametrize("size", [(900, 900), (250, 900), (900, 300)])
def test_the_heart_fits_into_the_3d_view(app, folders, size, monkeypatch):
    """In version 1, a narrow view cut the rings."""
    import slicer

    from Testing.SlicerHost.application import ThreeDViewWidget

    monkeypatch.setattr(ThreeDViewWidget, "width", size[0])
    monkeypatch.setattr(ThreeDViewWidget, "height", size[1])
    node = load(app, folders.series)
    camera = slicer.util.getNodesByClass("vtkMRMLCameraNode")[0].GetCamera()
    toView = slicer.util.arrayFromVTKMatrix(camera.GetCompositeProjectionTransformMatrix(size[0] / size[1], 0, 1))
    for index in range(3):
        mesh = scene_of(node, index).proxy("wall").GetPolyData()
        corners = np.array([mesh.GetPoint(i) for i in range(0, mesh.GetNumberOfPoints(), 7)])
        projected = np.column_stack([corners, np.ones(len(corners))]) @ toView.T
        assert np.abs(projected[:, :2] / projected[:, 3:]).max() < 1.0
    assert not any(n.GetSliceVisible() for n in slicer.util.getNodesByClass("vtkMRMLSliceNode"))


def test_the_box_of_the_3d_view_is_hidden_with_a_result_and_back_in_other_modules(app, folders):
    """The zoomed view cuts the box and its letters."""
    import slicer
    from LaMoDSlicerLib.Scene import LoadedScenes
    from LaMoDSlicerLib.Scene.StackCamera import StackCamera

    (node,) = slicer.util.getNodesByClass("vtkMRMLViewNode")
    node.SetBoxVisible(True)
    load(app, folders.first)
    assert not node.GetBoxVisible()
    app.widget.readingPanel.ui.roomButton.checked = True
    app.settle()
    app.widget.readingPanel.ui.roomButton.checked = False
    app.settle()
    assert not node.GetBoxVisible()
    StackCamera.restoreViews()
    app.widget.readingPanel.ui.roomButton.checked = True
    app.settle()
    app.widget.readingPanel.ui.roomButton.checked = False
    assert not node.GetBoxVisible(), "also if the reading room was the first to hide it"
    app.application._select_module("")
    assert node.GetBoxVisible()
    StackCamera().clear()  # as in a scene that was saved while LaMoD was shown
    LoadedScenes.onImported()
    assert node.GetBoxVisible()
    app.application._select_module("LaMoDSlicer")
    assert not node.GetBoxVisible()


def test_only_views_of_the_layout_count(slicer_app):
    from LaMoDSlicerLib.Display.ResultDisplay import _sides
    from LaMoDSlicerLib.Reading.ReadingViews import ReadingViews

    red = slice_node("Red")
    assert _sides([red.GetID()], 0) == [red.GetDimensions()[0]]
    red.SetMappedInLayout(0)
    found = _sides([red.GetID()], 0)
    red.SetMappedInLayout(1)
    assert found == []
    views = ReadingViews()
    numbers = SimpleNamespace(slices=[SimpleNamespace(label="mid")])
    views._node = SimpleNamespace(browsers=lambda: [None], numbers=lambda: numbers)
    assert views._showFirst(0) == {}, "no title over images of another slice"


def test_the_wall_in_3d_is_closed_and_has_the_area_of_the_masks():
    import vtk
    from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion
    from LaMoDSlicerLib.Display.WallSurface import WallSurface
    from LaMoDSlicerLib.Worker.SlicedWork import completed

    slice_ = heart(grid(SMALL, 2.8))
    wall = slice_.myocardium[0]
    motion = MaterialMotion.ofWall(
        np.zeros((1, 2, 2, SMALL, SMALL)), wall[None], np.array(slice_.grid.ijk_to_lps)[None]
    )
    mesh = completed(WallSurface.steps(motion, {"ecc": np.full((2, 1, SMALL, SMALL), -7.0)})).mesh(1)
    triangles = vtk.vtkTriangleFilter()
    triangles.SetInputData(mesh)
    edges = vtk.vtkFeatureEdges()
    edges.SetInputConnection(triangles.GetOutputPort())
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0, "the surface has open edges"
    mass = vtk.vtkMassProperties()
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(triangles.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    mass.SetInputConnection(normals.GetOutputPort())
    mass.Update()
    voxel = abs(np.linalg.det(np.array(slice_.grid.ijk_to_lps)[:3, :3]))
    assert mass.GetVolume() == pytest.approx(wall.sum() * voxel, rel=0.08)


def test_the_texts_of_the_display_section_are_not_clipped(app, folders):
    load(app, folders.first)
    app.mouse.show(app.widget.ui.resultLabel)
    for quantity in ("ecc", "err", "displacement", "uncertainty", "none"):
        app.parameters.quantity = type(app.parameters.quantity)(quantity)
        app.settle()
        for name, widget in vars(app.widget.ui).items():
            if widget.parent() is None or not app.panel.widget.isAncestorOf(widget) or not widget.isVisible():
                continue
            if type(widget).__name__ in ("QLabel", "QCheckBox"):
                wanted = (
                    widget.heightForWidth(widget.width) if widget.hasHeightForWidth() else widget.sizeHint().height()
                )
                assert widget.height >= wanted, f"{name} is clipped"
                if not widget.hasHeightForWidth():
                    assert widget.width >= widget.sizeHint().width(), f"{name} is clipped"


def test_a_result_without_samples_says_why_it_has_no_standard_deviation(app, tmp_path):
    load(app, folder_of(tmp_path, "one", samples=1))
    p, ui = app.parameters, app.widget.ui
    index = [q.value for q in type(p.quantity)].index("uncertainty")
    model = ui.quantitySelector.model()
    from PySide6 import QtCore

    assert not model.flags(model.index(index, 0)) & QtCore.Qt.ItemFlag.ItemIsEnabled
    assert "2 samples" in ui.quantitySelector.itemData(index, QtCore.Qt.ItemDataRole.ToolTipRole)
    assert model.flags(model.index(0, 0)) & QtCore.Qt.ItemFlag.ItemIsEnabled
    p.quantity = type(p.quantity)("uncertainty")
    app.settle()
    assert "2 samples" in ui.resultLabel.text
    assert composites()["Red"].GetForegroundVolumeID() is None


def test_a_change_of_the_display_updates_nothing_else(app, folders, monkeypatch):
    load(app, folders.first)
    calls = []
    monkeypatch.setattr(app.panel, "update", lambda: calls.append("update"))
    app.parameters.opacity = 42.0
    app.settle()
    assert calls == []
    assert composites()["Red"].GetForegroundOpacity() == pytest.approx(0.42)
    app.parameters.seed = 7
    app.settle()
    assert calls == ["update"]


def test_the_colours_of_a_result_do_not_lie_over_the_images_of_another_series(app, folders):
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    node = load(app, folders.first)
    volume = scene_of(node).proxy("ecc")
    assert composites()["Red"].GetForegroundVolumeID() == volume.GetID()
    other = add_ring(app)
    composites()["Red"].SetBackgroundVolumeID(CineSource(other.browser).volumeNode().GetID())
    app.parameters.opacity = 61.0
    app.settle()
    assert not composites()["Red"].GetForegroundVolumeID()
    assert legends_in("Red") == []
    composites()["Red"].SetBackgroundVolumeID(scene_of(node).background().GetID())
    app.parameters.opacity = 62.0
    app.settle()
    assert composites()["Red"].GetForegroundVolumeID() == volume.GetID()
