from typing import Any

import qt
import slicer

from LaMoDSlicerLib.Scene.OwnLayouts import OwnLayouts


class ReadingLayout(OwnLayouts):
    """The layouts of the reading room: pictures above, curves and the sheet of numbers below.

    The sheet stands in the layout as a view of its own. Slicer keeps the place of such a view for the whole session,
    so the place is made once, and a reloaded module puts a new sheet into it.
    """

    TAG = "LaMoDReadingSheet"
    ONE, TWO, COMPARISON = NUMBERS = 9101, 9102, 9103
    _PLACE = "lamodReadingSheetPlace"
    _BEFORE = "lamodLayoutBefore"

    _THREE_D = (
        '<item splitSize="2"><view class="vtkMRMLViewNode" singletontag="1">'
        '<property name="viewlabel" action="default">1</property></view></item>'
    )
    _SHEET = f'<item splitSize="4"><{TAG}></{TAG}></item>'

    @classmethod
    def _description(cls, number: int) -> str:
        """Pictures over curves beside the sheet; three pictures take the whole width."""
        red, yellow, green = (cls._slice(name, 3) for name in cls._SLICES)
        if number == cls.COMPARISON:
            pictures = cls._split("horizontal", red, yellow, green)
            numbers = cls._split("horizontal", cls._PLOT, cls._SHEET.replace('"4"', '"6"'))
            rows = (f'<item splitSize="4">{pictures}</item>', f'<item splitSize="5">{numbers}</item>')
            return cls._split("vertical", *rows)
        beside = cls._THREE_D if number == cls.ONE else yellow
        pictures = f'<item splitSize="5">{cls._split("horizontal", red, beside)}</item>'
        column = f'<item splitSize="5">{cls._split("vertical", pictures, cls._PLOT)}</item>'
        return cls._split("horizontal", column, cls._SHEET)

    @classmethod
    def place(cls) -> Any:
        """The widget in the layout that holds the sheet."""
        place = getattr(slicer.modules, cls._PLACE, None)
        if place is None:
            place = qt.QWidget()
            qt.QVBoxLayout(place).setContentsMargins(0, 0, 0, 0)
            factory = slicer.qSlicerSingletonViewFactory()
            factory.setTagName(cls.TAG)
            factory.setWidget(place)
            slicer.app.layoutManager().registerViewFactory(factory)
            # Python would otherwise drop the factory, and the layout the view
            setattr(slicer.modules, cls._PLACE, place)
            setattr(slicer.modules, cls._PLACE + "Factory", factory)
        return place

    @classmethod
    def setSheet(cls, sheet: Any) -> None:
        """Put a sheet into the place, instead of an earlier one."""
        layout = cls.place().layout()
        while layout.count():
            layout.takeAt(0).widget().hide()
        layout.addWidget(sheet)
        sheet.show()

    @classmethod
    def open(cls, number: int) -> None:
        """Show one of the layouts."""
        cls.place()
        super().open(number)
