from typing import Any

import slicer
import vtk

Line = tuple[str, tuple[float, float, float]]


class ViewLegend:
    """Lines of text in the lower left corner of every slice view, each in its own colour.

    Slicer's corner annotations belong to its Data Probe module, which overwrites them.
    """

    FONT_SIZE, MARGIN = 14, 10
    #: Smallest size that is legible; mean width of a character relative to its size.
    LEAST_SIZE, WIDTH_OF_SIZE = 9, 0.55

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._actors: list[tuple[Any, Any]] = []

    @property
    def lines(self) -> list[str]:
        """The shown texts, from top to bottom."""
        return [text for text, _rgb in self._lines]

    def show(self, lines: list[Line]) -> None:
        """Show texts with their colours, from top to bottom; an empty list removes them."""
        if lines == self._lines:
            return
        self._remove()
        self._lines = list(lines)
        for view in _views():
            renderer = view.renderWindow().GetRenderers().GetFirstRenderer()
            size = self._fontSize(lines, view.renderWindow().GetSize()[0])
            for row, (text, rgb) in enumerate(reversed(lines)):
                actor = self._actor(text, rgb, row, size)
                renderer.AddViewProp(actor)
                self._actors.append((view, actor))
            view.scheduleRender()

    def _fontSize(self, lines: list[Line], width: int) -> int:
        """The size at which the longest text fits into a view of this width, pixels."""
        longest = max((len(text) for text, _rgb in lines), default=0)
        fitting = int((width - 2 * self.MARGIN) / (self.WIDTH_OF_SIZE * longest)) if longest and width > 1 else 0
        return min(max(fitting, self.LEAST_SIZE), self.FONT_SIZE) if fitting else self.FONT_SIZE

    def _actor(self, text: str, rgb: tuple[float, float, float], row: int, size: int) -> "vtk.vtkTextActor":
        actor = vtk.vtkTextActor()
        actor.SetInput(text)
        style = actor.GetTextProperty()
        style.SetFontSize(size)
        style.SetColor(*rgb)
        style.SetShadow(True)
        actor.SetDisplayPosition(self.MARGIN, self.MARGIN + row * (size + 5))
        return actor

    def _remove(self) -> None:
        for view, actor in self._actors:
            view.renderWindow().GetRenderers().GetFirstRenderer().RemoveViewProp(actor)
        for view in {id(view): view for view, _actor in self._actors}.values():
            view.scheduleRender()
        self._lines, self._actors = [], []


def _views() -> list[Any]:
    layouts = slicer.app.layoutManager()
    names = layouts.sliceViewNames() if layouts is not None else ()
    return [layouts.sliceWidget(name).sliceView() for name in names]
