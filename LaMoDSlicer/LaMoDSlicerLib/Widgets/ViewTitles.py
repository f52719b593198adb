from typing import Any

import slicer
import vtk


class ViewTitles:
    """One line of text at the top of slice views: what each of them shows."""

    FONT_SIZE = 14

    def __init__(self) -> None:
        self._titles: dict[str, str] = {}
        self._actors: list[tuple[Any, Any]] = []

    @property
    def titles(self) -> dict[str, str]:
        """The shown texts by layout name of the view."""
        return self._titles

    def show(self, titles: dict[str, str]) -> None:
        """Show texts; {} removes all of them.

        Args:
            titles: by layout name of the view.
        """
        layouts = slicer.app.layoutManager()
        if titles == self._titles or layouts is None:
            return
        for view, actor in self._actors:
            view.renderWindow().GetRenderers().GetFirstRenderer().RemoveViewProp(actor)
        before, self._actors, self._titles = self._actors, [], dict(titles)
        for name, text in titles.items():
            widget = layouts.sliceWidget(name)
            if widget is not None:
                view = widget.sliceView()
                actor = self._actor(text)
                view.renderWindow().GetRenderers().GetFirstRenderer().AddViewProp(actor)
                self._actors.append((view, actor))
        for view in {id(view): view for view, _actor in (*before, *self._actors)}.values():
            view.scheduleRender()

    def _actor(self, text: str) -> "vtk.vtkTextActor":
        actor = vtk.vtkTextActor()
        actor.SetInput(text)
        style = actor.GetTextProperty()
        style.SetFontSize(self.FONT_SIZE)
        style.SetColor(1.0, 1.0, 1.0)
        style.SetShadow(True)
        style.SetJustificationToCentered()
        style.SetVerticalJustificationToTop()
        actor.GetPositionCoordinate().SetCoordinateSystemToNormalizedViewport()
        actor.SetPosition(0.5, 0.985)
        return actor
