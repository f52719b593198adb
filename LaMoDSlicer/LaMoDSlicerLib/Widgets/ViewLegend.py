from typing import Any

import slicer
import vtk

Line = tuple[str, tuple[float, float, float]]


class ViewLegend:
    """Lines of text in the lower left corner of every slice view, each in its own colour.

    Slicer's corner annotations belong to its Data Probe module, which overwrites them.
    """

    FONT_SIZE, MARGIN = 14, 10

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
            for row, (text, rgb) in enumerate(reversed(lines)):
                actor = self._actor(text, rgb, row)
                renderer.AddViewProp(actor)
                self._actors.append((view, actor))
            view.forceRender()

    def _actor(self, text: str, rgb: tuple[float, float, float], row: int) -> "vtk.vtkTextActor":
        actor = vtk.vtkTextActor()
        actor.SetInput(text)
        style = actor.GetTextProperty()
        style.SetFontSize(self.FONT_SIZE)
        style.SetColor(*rgb)
        style.SetShadow(True)
        actor.SetDisplayPosition(self.MARGIN, self.MARGIN + row * (self.FONT_SIZE + 5))
        return actor

    def _remove(self) -> None:
        for view, actor in self._actors:
            view.renderWindow().GetRenderers().GetFirstRenderer().RemoveViewProp(actor)
        for view in {id(view): view for view, _actor in self._actors}.values():
            view.forceRender()
        self._lines, self._actors = [], []


def _views() -> list[Any]:
    layouts = slicer.app.layoutManager()
    names = layouts.sliceViewNames() if layouts is not None else ()
    return [layouts.sliceWidget(name).sliceView() for name in names]
