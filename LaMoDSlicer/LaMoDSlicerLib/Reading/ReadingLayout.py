"""The layouts of the reading room: images, curves and the sheet of numbers.

Each has a variant for a narrow window, so that opening the reading room does not enlarge the window.

The sheet is a view of the layout. Slicer keeps the widget of such a view for the whole session, so this container is
created once, and a reloaded module adds its new sheet to it.
"""

from typing import Any

import qt
import slicer

from LaMoDSlicerLib.Scene.CustomLayouts import PLOT, CustomLayouts, sliceViews, split

TAG = "LaMoDReadingSheet"
ONE, TWO, COMPARISON = 9101, 9102, 9103
#: Long-axis views without short-axis slices.
LONG_ONE, LONG_TWO = 9107, 9108
#: Added to the number of a layout for its narrow variant.
_NARROW = 3
#: Width of all views in pixels, relative to the height of text, below which the narrow variants are used.
_ENOUGH_WIDTH = 50
_CONTAINER = "lamodReadingSheetPlace"
_THREE_D = (
    '<item splitSize="2"><view class="vtkMRMLViewNode" singletontag="1">'
    '<property name="viewlabel" action="default">1</property></view></item>'
)


def _sheet(size: int) -> str:
    return f'<item splitSize="{size}"><{TAG}></{TAG}></item>'


def _readingDescription(second: str) -> str:
    """The red view and a second view above the curves, the sheet on the right."""
    images = f'<item splitSize="5">{split("horizontal", sliceViews(3)[0], second)}</item>'
    column = f'<item splitSize="5">{split("vertical", images, PLOT)}</item>'
    return split("horizontal", column, _sheet(4))


def _comparisonDescription() -> str:
    """Three slice views and the curves in a square, the sheet on the right."""
    red, yellow, green = sliceViews(5)
    rows = (split("horizontal", red, yellow), split("horizontal", green, PLOT))
    square = split("vertical", *(f'<item splitSize="5">{row}</item>' for row in rows))
    return split("horizontal", f'<item splitSize="6">{square}</item>', _sheet(5))


def _narrowDescription(*views: str) -> str:
    """Slice views and curves above each other, the sheet on the right."""
    column = split("vertical", *views, PLOT)
    return split("horizontal", f'<item splitSize="5">{column}</item>', _sheet(5))


def _longDescription(direction: str, *views: str) -> str:
    """Slice views of long-axis slices, the sheet on the right."""
    images = f'<item splitSize="5">{split(direction, *views)}</item>'
    return split("horizontal", images, _sheet(4))


_LAYOUTS = CustomLayouts(
    {
        ONE: _readingDescription(_THREE_D),
        TWO: _readingDescription(sliceViews(3)[1]),
        COMPARISON: _comparisonDescription(),
        ONE + _NARROW: _narrowDescription(sliceViews(5)[0]),
        TWO + _NARROW: _narrowDescription(*sliceViews(5)[:2]),
        COMPARISON + _NARROW: _narrowDescription(*sliceViews(4)),
        LONG_ONE: _longDescription("vertical", *sliceViews(5)[:1]),
        LONG_TWO: _longDescription("horizontal", *sliceViews(5)[:2]),
        LONG_ONE + _NARROW: _longDescription("vertical", *sliceViews(5)[:1]),
        LONG_TWO + _NARROW: _longDescription("vertical", *sliceViews(5)[:2]),
    },
    "lamodLayoutBefore",
)
close = _LAYOUTS.close
leaveLoaded = _LAYOUTS.leaveLoaded


def register() -> None:
    """Make the layouts and the sheet's view known to Slicer, at its start."""
    _container()
    _LAYOUTS.register()


def open(number: int) -> None:
    """Show one of the layouts: `ONE`, `TWO`, `COMPARISON`, `LONG_ONE` or `LONG_TWO`."""
    _container()
    _LAYOUTS.open(number + _NARROW if isNarrow() else number)


def isNarrow() -> bool:
    """Whether the views are so narrow that the narrow variants are used."""
    area = slicer.app.layoutManager().viewport()
    return area is not None and area.contentsRect().width() < _ENOUGH_WIDTH * area.fontMetrics().height()


def hasWideCurves() -> bool:
    """Whether the curves of the shown layout are wide enough for a legend."""
    return slicer.app.layoutManager().layout in (ONE, TWO)


def filmedViews() -> list[Any]:
    """The views of the shown layout that a movie contains: slice views, then curves."""
    layouts = slicer.app.layoutManager()
    description = layouts.layoutLogic().GetLayoutNode().GetCurrentLayoutDescription()
    names = [name for name in layouts.sliceViewNames() if f'singletontag="{name}"' in description]
    views = [layouts.sliceWidget(name).sliceView() for name in names]
    return [*views, layouts.plotWidget(0).plotView()]


def setSheet(sheet: Any) -> None:
    """Show a sheet in the layouts, instead of an earlier one."""
    layout = _container().layout()
    while layout.count():
        layout.takeAt(0).widget().hide()
    layout.addWidget(sheet)
    sheet.show()


def _container() -> Any:
    """The widget of the sheet's view."""
    container = getattr(slicer.modules, _CONTAINER, None)
    if container is None:
        container = qt.QWidget()
        qt.QVBoxLayout(container).setContentsMargins(0, 0, 0, 0)
        factory = slicer.qSlicerSingletonViewFactory()
        factory.setTagName(TAG)
        factory.setWidget(container)
        slicer.app.layoutManager().registerViewFactory(factory)
        # keep references, otherwise Python deletes the factory and the layout loses the view
        setattr(slicer.modules, _CONTAINER, container)
        setattr(slicer.modules, _CONTAINER + "Factory", factory)
    return container
