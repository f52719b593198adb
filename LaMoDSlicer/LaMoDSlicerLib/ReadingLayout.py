from typing import Any

import qt
import slicer


class ReadingLayout:
    """The layouts of the reading room: pictures above, curves and the sheet of numbers below.

    The sheet stands in the layout as a view of its own. Slicer keeps the place of such a view for the whole session,
    so the place is made once, and a reloaded module puts a new sheet into it.
    """

    TAG = "LaMoDReadingSheet"
    ONE, TWO, COMPARISON = 9101, 9102, 9103
    _PLACE = "lamodReadingSheetPlace"
    _BEFORE = "lamodLayoutBefore"

    _SLICE = (
        '<item splitSize="{size}"><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        '<property name="viewlabel" action="default">{letter}</property>'
        '<property name="viewcolor" action="default">{color}</property></view></item>'
    )
    _RED = _SLICE.format(name="Red", letter="R", color="#F34A33", size=3)
    _YELLOW = _SLICE.format(name="Yellow", letter="Y", color="#EDD54C", size=3)
    _GREEN = _SLICE.format(name="Green", letter="G", color="#6EB04B", size=3)
    _THREE_D = (
        '<item splitSize="2"><view class="vtkMRMLViewNode" singletontag="1">'
        '<property name="viewlabel" action="default">1</property></view></item>'
    )
    _PLOT = (
        '<item splitSize="5"><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">'
        '<property name="viewlabel" action="default">1</property></view></item>'
    )
    _SHEET = f'<item splitSize="4"><{TAG}></{TAG}></item>'

    @staticmethod
    def _split(kind: str, *items: str) -> str:
        return f'<layout type="{kind}" split="true">{"".join(items)}</layout>'

    @classmethod
    def _description(cls, number: int) -> str:
        """Pictures over curves beside the sheet; three pictures take the whole width."""
        if number == cls.COMPARISON:
            pictures = cls._split("horizontal", cls._RED, cls._YELLOW, cls._GREEN)
            numbers = cls._split("horizontal", cls._PLOT, cls._SHEET.replace('"4"', '"6"'))
            rows = (f'<item splitSize="4">{pictures}</item>', f'<item splitSize="5">{numbers}</item>')
            return cls._split("vertical", *rows)
        beside = cls._THREE_D if number == cls.ONE else cls._YELLOW
        pictures = f'<item splitSize="5">{cls._split("horizontal", cls._RED, beside)}</item>'
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
    def isOpen(cls) -> bool:
        return slicer.app.layoutManager().layout in (cls.ONE, cls.TWO, cls.COMPARISON)

    @classmethod
    def open(cls, number: int) -> None:
        """Show one of the layouts."""
        manager = slicer.app.layoutManager()
        cls.place()
        node = manager.layoutLogic().GetLayoutNode()
        for known in (cls.ONE, cls.TWO, cls.COMPARISON):
            describe = node.SetLayoutDescription if node.IsLayoutDescription(known) else node.AddLayoutDescription
            describe(known, cls._description(known))
        if not cls.isOpen():
            setattr(slicer.modules, cls._BEFORE, manager.layout)
        if manager.layout != number:
            manager.setLayout(number)

    @classmethod
    def close(cls) -> None:
        """Back to the layout that was there before."""
        before = getattr(slicer.modules, cls._BEFORE, None)
        if cls.isOpen() and before is not None:
            slicer.app.layoutManager().setLayout(before)
