from typing import Any


class LongAxisPanel:
    """Shows long-axis slices in the views, after all sections have been updated: these draw lines there as well.

    Args:
        sections: the HeartSections.
    """

    def __init__(self, sections: Any) -> None:
        self._sections = sections

    def setParameters(self, parameters: Any) -> None:
        if parameters is None:
            self._sections.longAxis.release()

    def update(self) -> None:
        self._sections.updateLongAxis()
