from typing import ClassVar

import slicer


class OwnLayouts:
    """Layouts that Slicer does not have, and the way back to the one that was shown before them.

    Subclasses give their numbers and describe each; `_BEFORE` names the place, beside Slicer's modules, where the
    earlier layout is remembered: a reloaded module still finds the way back.
    """

    NUMBERS: ClassVar[tuple[int, ...]]
    _BEFORE: ClassVar[str]

    _SLICES: ClassVar = {"Red": ("R", "#F34A33"), "Yellow": ("Y", "#EDD54C"), "Green": ("G", "#6EB04B")}
    _PLOT = (
        '<item splitSize="5"><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">'
        '<property name="viewlabel" action="default">1</property></view></item>'
    )

    @classmethod
    def _slice(cls, name: str, size: int) -> str:
        letter, color = cls._SLICES[name]
        return (
            f'<item splitSize="{size}"><view class="vtkMRMLSliceNode" singletontag="{name}">'
            '<property name="orientation" action="default">Axial</property>'
            f'<property name="viewlabel" action="default">{letter}</property>'
            f'<property name="viewcolor" action="default">{color}</property></view></item>'
        )

    @staticmethod
    def _split(kind: str, *items: str) -> str:
        return f'<layout type="{kind}" split="true">{"".join(items)}</layout>'

    @classmethod
    def _description(cls, number: int) -> str:
        """One of the layouts, in Slicer's words."""
        raise NotImplementedError

    @classmethod
    def isOpen(cls) -> bool:
        return slicer.app.layoutManager().layout in cls.NUMBERS

    @classmethod
    def open(cls, number: int) -> None:
        """Show one of the layouts."""
        manager = slicer.app.layoutManager()
        node = manager.layoutLogic().GetLayoutNode()
        for known in cls.NUMBERS:
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
