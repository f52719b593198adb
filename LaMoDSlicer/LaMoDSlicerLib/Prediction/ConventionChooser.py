from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _


class ConventionChooser:
    """Selects the contour convention.

    Args:
        selector: the QComboBox.
        onChosen: called with auto, blood-pool or tissue.
    """

    def __init__(self, selector: Any, onChosen: Callable[[str], None]) -> None:
        self._selector, self._onChosen = selector, onChosen
        for text, convention in ((_("Automatic"), "auto"), (_("Blood pool"), "blood-pool"), (_("Tissue"), "tissue")):
            selector.addItem(text, convention)
        selector.connect("activated(int)", self._onActivated)

    def update(self, current: str) -> None:
        """Select `current`."""
        selector = self._selector
        selector.currentIndex = [selector.itemData(i) for i in range(selector.count)].index(current)

    def _onActivated(self, index: int) -> None:
        self._onChosen(self._selector.itemData(index))
