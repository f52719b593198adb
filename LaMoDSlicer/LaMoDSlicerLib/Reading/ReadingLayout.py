"""The layouts of the reading room: images, curves and the sheet of numbers.

The sheet is a view of the layout. Slicer keeps the widget of such a view for the whole session, so this container is
created once, and a reloaded module adds its new sheet to it.
"""

from typing import Any

import qt
import slicer

from LaMoDSlicerLib.Scene.CustomLayouts import PLOT, CustomLayouts, sliceViews, split

TAG = "LaMoDReadingSheet"
ONE, TWO, COMPARISON = 9101, 9102, 9103
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
    """Three slice views above curves and sheet."""
    images = split("horizontal", *sliceViews(3))
    numbers = split("horizontal", PLOT, _sheet(6))
    rows = (f'<item splitSize="4">{images}</item>', f'<item splitSize="5">{numbers}</item>')
    return split("vertical", *rows)


_LAYOUTS = CustomLayouts(
    {
        ONE: _readingDescription(_THREE_D),
        TWO: _readingDescription(sliceViews(3)[1]),
        COMPARISON: _comparisonDescription(),
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
    """Show one of the layouts."""
    _container()
    _LAYOUTS.open(number)


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
