from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

_AUTOMATIC, _NOT_USED = "automatic", "none"


class StructuresSection:
    """Which segment or label is used as which structure; the choice is stored with the masks.

    Args:
        ui: the panel's widgets by name.
        panel: the ContoursPanel.
    """

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._selectors = {
            structure: getattr(ui, f"{structure}StructureSelector") for structure in MaskSource.STRUCTURES
        }
        for structure, selector in self._selectors.items():
            selector.connect("activated(int)", lambda index, each=structure: self.onActivated(each, index))

    def update(self) -> None:
        """List the segments of the masks and show the used ones."""
        masks = self._panel.masks
        source = MaskSource(masks) if masks is not None else None
        choices = source.choices() if source is not None else {}
        used = self._panel.structures() if source is not None else {}
        chosen = source.chosen() if source is not None else {}
        for structure, selector in self._selectors.items():
            automatic = choices.get(used.get(structure, ""), _("none"))
            items = [(_("Automatic ({name})").format(name=automatic), _AUTOMATIC)]
            if structure in chosen:
                items = [(_("Automatic"), _AUTOMATIC)]
            if structure != "myocardium":
                items.append((_("Not used"), _NOT_USED))
            items += [(name, f"={choice}") for choice, name in choices.items()]
            self._fill(selector, items)
            wanted = _AUTOMATIC
            if structure in chosen:
                wanted = f"={used[structure]}" if structure in used else _NOT_USED
            selector.currentIndex = max(selector.findData(wanted), 0)
            selector.enabled = bool(choices)
        text = source.structuresText(used) if source is not None else ""
        self._ui.structuresLabel.text = text

    @staticmethod
    def _fill(selector: Any, items: list[tuple[str, str]]) -> None:
        if [(selector.itemText(i), selector.itemData(i)) for i in range(selector.count)] != items:
            blocker = qt.QSignalBlocker(selector)
            selector.clear()
            for text, value in items:
                selector.addItem(text, value)
            blocker.unblock()

    def onActivated(self, structure: str, index: int) -> None:
        value = self._selectors[structure].itemData(index)
        choice = None if value == _AUTOMATIC else "" if value == _NOT_USED else value[1:]
        MaskSource(self._panel.masks).choose(structure, choice)
        self._panel.structuresChanged(structure)
