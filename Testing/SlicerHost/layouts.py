"""The main window's view area: Slicer's layout descriptions on a grid of live views.

A view is made for the first layout that contains it and is only hidden and moved afterwards: a render window that
changed its parent would lose its surface.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import slicer
from PySide6 import QtWidgets

from Testing.SlicerHost.plot_view import PlotView, qMRMLPlotWidget
from Testing.SlicerHost.pythonqt import wrapped
from Testing.SlicerHost.strict import Strict
from Testing.SlicerHost.views import SlicePanel, ThreeDView

#: Cells of the grid per side: divisible by the row and column counts that layouts use.
CELLS = 60
Rectangle = tuple[int, int, int, int]


class qSlicerSingletonViewFactory(Strict, wrapped("QObject")):
    """Provides one widget for the layout elements with its tag."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._tag, self._widget = "", None

    def setTagName(self, name: str) -> None:
        self._tag = name

    def tagName(self) -> str:
        return self._tag

    def setWidget(self, widget: Any) -> None:
        self._widget = widget

    def widget(self) -> Any:
        return self._widget


class LayoutLogic:
    """``layoutLogic()``, with the layout node only. As in Slicer, the node is saved and loaded with the scene.

    Args:
        scene: gets the node, a singleton.
    """

    def __init__(self, scene: Any) -> None:
        self._node = slicer.vtkMRMLLayoutNode()
        self._node.SetSingletonTag("vtkMRMLLayoutNode")
        scene.AddNode(self._node)

    def GetLayoutNode(self) -> Any:
        return self._node


def rectangles(description: str) -> list[tuple[Any, Rectangle]]:
    """Every view of a layout's XML with its cells (row, column, rows, columns)."""
    root = ElementTree.fromstring(description)
    found: list[tuple[Any, Rectangle]] = []

    def place(element: Any, box: Rectangle) -> None:
        if element.tag != "layout":
            found.append((element, box))
            return
        row, column, rows, columns = box
        items = element.findall("item")
        sizes = [int(item.get("splitSize", "0")) or 1 for item in items]
        vertical = element.get("type") == "vertical"
        start, length = (row, rows) if vertical else (column, columns)
        done = 0
        for item, size in zip(items, sizes, strict=True):
            first = start + length * done // sum(sizes)
            done += size
            share = start + length * done // sum(sizes) - first
            inner = (first, column, share, columns) if vertical else (row, first, rows, share)
            place(next(iter(item)), inner)

    place(root, (0, 0, CELLS, CELLS))
    return found


class ViewArea(QtWidgets.QWidget):
    """The views; `show_layout` arranges them."""

    def __init__(self, application: Any) -> None:
        super().__init__()
        self._application = application
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        for i in range(CELLS):
            self._grid.setRowStretch(i, 1)
            self._grid.setColumnStretch(i, 1)
        self._widgets: dict[tuple[str, str], QtWidgets.QWidget] = {}

    def adopt(self, class_name: str, tag: str, widget: QtWidgets.QWidget, box: Rectangle) -> None:
        """Add an existing view."""
        self._widgets[class_name, tag] = widget
        self._grid.addWidget(widget, *box)

    def show_layout(self, description: str) -> None:
        """Show the views of a layout; none if the layout has no description."""
        placed = (
            [] if not description else [(self._widget_of(element), box) for element, box in rectangles(description)]
        )
        self._grid.setEnabled(False)  # an intermediate layout would enlarge the window permanently
        shown = [widget for widget, _box in placed]
        for widget in self._widgets.values():
            if widget not in shown:
                widget.hide()
        for widget, box in placed:
            self._grid.addWidget(widget, *box)
            widget.show()
        self._grid.setEnabled(True)
        self._grid.activate()

    def _widget_of(self, element: Any) -> QtWidgets.QWidget:
        key = (element.get("class", element.tag), element.get("singletontag", ""))
        if key not in self._widgets:
            self._widgets[key] = self._make(*key)
        return self._widgets[key]

    def _make(self, class_name: str, tag: str) -> QtWidgets.QWidget:
        layout, scene = self._application._layout, self._application._scene
        if class_name == "vtkMRMLSliceNode":
            panel = SlicePanel(scene, tag, "Axial")
            layout._slices[tag] = panel.view
            return panel
        if class_name == "vtkMRMLViewNode":
            view = ThreeDView(scene, tag)
            layout._three_d.append(view)
            return view
        if class_name == "vtkMRMLPlotViewNode":
            plot = PlotView(scene.mrml, tag)
            layout._plots.append(qMRMLPlotWidget(plot))
            return plot
        for factory in layout._factories:
            if factory._tag == class_name:
                return factory._widget
        raise RuntimeError(f"the layout contains {class_name} {tag}, which the host cannot make")


__all__ = ["LayoutLogic", "ViewArea", "qSlicerSingletonViewFactory", "rectangles"]
