from typing import ClassVar

import slicer


class TrainingLayout:
    """The researcher's layouts: curves beside the picture, curves below three pictures, and three pictures alone."""

    CURVES, COMPARISON, CASE = 9111, 9112, 9113
    _before: ClassVar[dict[str, int]] = {}
    _SLICE = (
        '<item splitSize="{size}"><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        '<property name="viewlabel" action="default">{letter}</property>'
        '<property name="viewcolor" action="default">{color}</property></view></item>'
    )
    _SLICES: ClassVar = (("Red", "R", "#F34A33"), ("Yellow", "Y", "#EDD54C"), ("Green", "G", "#6EB04B"))
    _PLOT = (
        '<item splitSize="5"><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">'
        '<property name="viewlabel" action="default">1</property></view></item>'
    )

    @classmethod
    def _description(cls, number: int) -> str:
        count, size = (1, 4) if number == cls.CURVES else (3, 1)
        views = [cls._SLICE.format(name=n, letter=x, color=c, size=size) for n, x, c in cls._SLICES[:count]]
        if number == cls.CURVES:
            return f'<layout type="horizontal" split="true">{views[0]}{cls._PLOT}</layout>'
        pictures = f'<layout type="horizontal" split="true">{"".join(views)}</layout>'
        if number == cls.CASE:
            return pictures
        return f'<layout type="vertical" split="true"><item splitSize="5">{pictures}</item>{cls._PLOT}</layout>'

    @classmethod
    def isOpen(cls) -> bool:
        return slicer.app.layoutManager().layout in (cls.CURVES, cls.COMPARISON, cls.CASE)

    @classmethod
    def open(cls, number: int) -> None:
        """Show one of the layouts."""
        manager = slicer.app.layoutManager()
        node = manager.layoutLogic().GetLayoutNode()
        for known in (cls.CURVES, cls.COMPARISON, cls.CASE):
            describe = node.SetLayoutDescription if node.IsLayoutDescription(known) else node.AddLayoutDescription
            describe(known, cls._description(known))
        if not cls.isOpen():
            cls._before["layout"] = manager.layout
        if manager.layout != number:
            manager.setLayout(number)

    @classmethod
    def close(cls) -> None:
        """Back to the layout that was there before."""
        if cls.isOpen() and "layout" in cls._before:
            slicer.app.layoutManager().setLayout(cls._before["layout"])
