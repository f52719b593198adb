from typing import Any

import slicer

_SLICES = {"Red": ("R", "#F34A33"), "Yellow": ("Y", "#EDD54C"), "Green": ("G", "#6EB04B")}
#: A plot view as an item of a layout description.
PLOT = (
    '<item splitSize="5"><view class="vtkMRMLPlotViewNode" singletontag="PlotView1">'
    '<property name="viewlabel" action="default">1</property></view></item>'
)


def sliceView(name: str, size: int) -> str:
    """A slice view as an item of a layout description.

    Args:
        name: Red, Yellow or Green.
        size: relative size.
    """
    letter, color = _SLICES[name]
    return (
        f'<item splitSize="{size}"><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{letter}</property>'
        f'<property name="viewcolor" action="default">{color}</property></view></item>'
    )


def sliceViews(size: int) -> list[str]:
    """The red, yellow and green slice views as items of a layout description."""
    return [sliceView(name, size) for name in _SLICES]


def split(direction: str, *items: str) -> str:
    """A layout description that divides the window "horizontal"ly or "vertical"ly."""
    return f'<layout type="{direction}" split="true">{"".join(items)}</layout>'


class CustomLayouts:
    """Layouts that Slicer does not have; closing one restores the layout that was shown before.

    Args:
        descriptions: layout description by layout number.
        attribute: of `slicer.modules`, for the layout to restore; it survives a reload of the module.
    """

    def __init__(self, descriptions: dict[int, str], attribute: str) -> None:
        self._descriptions, self._attribute = descriptions, attribute

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(self._descriptions)

    def isOpen(self) -> bool:
        return slicer.app.layoutManager().layout in self._descriptions

    def open(self, number: int) -> None:
        """Show one of the layouts."""
        manager: Any = slicer.app.layoutManager()
        node = manager.layoutLogic().GetLayoutNode()
        for known, description in self._descriptions.items():
            describe = node.SetLayoutDescription if node.IsLayoutDescription(known) else node.AddLayoutDescription
            describe(known, description)
        if not self.isOpen():
            setattr(slicer.modules, self._attribute, manager.layout)
        if manager.layout != number:
            manager.setLayout(number)

    def close(self) -> None:
        """Restore the layout that was shown before."""
        previous = getattr(slicer.modules, self._attribute, None)
        if self.isOpen() and previous is not None:
            slicer.app.layoutManager().setLayout(previous)
