from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Widgets import FileDialogs


class ModelChooser:
    """Selects the model: the one that comes with LaMoD, a model of the user, or one in a folder.

    Args:
        selector: the QComboBox.
        onChosen: called with the name or folder of a model; "" for the one that comes with LaMoD.
    """

    _BROWSE = "\n"

    def __init__(self, selector: Any, onChosen: Callable[[str], None]) -> None:
        self._selector, self._onChosen = selector, onChosen
        self._current = ""
        selector.connect("activated(int)", self._onActivated)

    def update(self, current: str) -> None:
        """List the available models and select `current`, which may be a folder."""
        from LaMoDCore.models.default_model import DEFAULT_MODEL
        from LaMoDCore.models.registry import known_models

        self._current = "" if current == DEFAULT_MODEL else current
        rows = [(_("Default ({name})").format(name=DEFAULT_MODEL), "")]
        rows += [(name, name) for name in sorted(known_models()) if name != DEFAULT_MODEL]
        if self._current not in [data for _text, data in rows]:
            rows.append((_("{folder} (folder)").format(folder=Path(self._current).name), self._current))
        rows.append((_("Select folder…"), self._BROWSE))
        selector = self._selector
        if [(selector.itemText(i), selector.itemData(i)) for i in range(selector.count)] != rows:
            selector.clear()
            for text, data in rows:
                selector.addItem(text, data)
        selector.currentIndex = [data for _text, data in rows].index(self._current)

    def _onActivated(self, index: int) -> None:
        chosen = self._selector.itemData(index)
        if chosen == self._BROWSE:
            folder = FileDialogs.chooseFolder(_("Select the folder of a model or a training run"))
            chosen = str(folder) if folder is not None else self._current
        self._onChosen(chosen)
        self.update(chosen)
