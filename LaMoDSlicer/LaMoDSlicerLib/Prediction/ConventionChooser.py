"""The contour convention: its names and its selector."""

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _


def names() -> dict[str, str]:
    """Convention -> name in the panel."""
    return {"auto": _("Automatic"), "blood-pool": _("Blood pool"), "tissue": _("Tissue")}


class ConventionChooser:
    """Selects the contour convention.

    Args:
        selector: the QComboBox.
        onChosen: called with auto, blood-pool or tissue.
    """

    def __init__(self, selector: Any, onChosen: Callable[[str], None]) -> None:
        self._selector, self._onChosen = selector, onChosen
        for convention, name in names().items():
            selector.addItem(name, convention)
        selector.connect("activated(int)", self._onActivated)

    def update(self, current: str) -> None:
        """Select `current`; “Automatic” for a convention of a later version, which predictions do not use either."""
        known = list(names())
        self._selector.currentIndex = known.index(current if current in known else "auto")

    def _onActivated(self, index: int) -> None:
        self._onChosen(self._selector.itemData(index))
