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

    def register(self) -> None:
        """Describe the layouts to Slicer; an unknown layout of a loaded scene would be an empty window."""
        node = self._node()
        for known, description in self._descriptions.items():
            describe = node.SetLayoutDescription if node.IsLayoutDescription(known) else node.AddLayoutDescription
            describe(known, description)

    @staticmethod
    def _node() -> Any:
        return slicer.app.layoutManager().layoutLogic().GetLayoutNode()

    def open(self, number: int) -> None:
        """Show one of the layouts.

        While it is shown, a saved scene does not contain the layout: loaded without LaMoD, it would be an empty window.
        """
        self.register()
        node = self._node()
        if not self.isOpen():
            setattr(slicer.modules, self._attribute, slicer.app.layoutManager().layout)
        setattr(slicer.modules, self._attribute + "IsOpen", True)
        node.SetSaveWithScene(False)
        node.SetViewArrangement(number)  # the layout manager ignores a number that it shows with other contents

    def close(self) -> None:
        """Restore the layout that was shown before, or an ordinary one in a loaded scene."""
        node = self._node()
        if self.isOpen():
            slicer.app.layoutManager().setLayout(self._previous(node))
        setattr(slicer.modules, self._attribute + "IsOpen", False)
        node.SetSaveWithScene(True)

    def leaveLoaded(self) -> None:
        """Leave one of the layouts that came with a loaded scene: nothing fills its views."""
        self.register()
        if not getattr(slicer.modules, self._attribute + "IsOpen", False):
            self.close()

    def _previous(self, node: Any) -> int:
        previous = getattr(slicer.modules, self._attribute, None)
        known = previous is not None and previous not in self._descriptions and node.IsLayoutDescription(previous)
        return previous if known else node.SlicerLayoutFourUpView
