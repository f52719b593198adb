from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Scene.TextTable import TextTable


class SplitPreview:
    """Deals a dataset's subjects into train, val and test: shown first, written by a second click.

    Args:
        ui: the dataset section's widgets by name.
        current: gives the chosen dataset's folder, or None.
        onWritten: called when dataset.json has changed.
        showMessage: called with a sentence for the person.
    """

    SPLITS = ("train", "val", "test")

    def __init__(
        self,
        ui: Any,
        current: Callable[[], Path | None],
        onWritten: Callable[[], None],
        showMessage: Callable[[str], None],
    ) -> None:
        self._ui = ui
        self._current, self._onWritten, self._showMessage = current, onWritten, showMessage
        self._split: dict[str, str] | None = None
        self._table = TextTable(ui.splitTable, lambda _row: None)
        ui.previewSplitButton.connect("clicked(bool)", self.onPreviewSplitButton)
        ui.applySplitButton.connect("clicked(bool)", self.onApplySplitButton)
        for box in (ui.trainShareSpinBox, ui.valShareSpinBox, ui.splitSeedSpinBox):
            box.connect("valueChanged(int)", lambda _value: self.forget())

    def forget(self) -> None:
        """Another dataset or other shares: what was previewed holds no more."""
        self._split = None
        self._ui.splitTable.visible = False
        self._ui.applySplitButton.enabled = False

    def onPreviewSplitButton(self) -> None:
        from LaMoDCore.io.dataset.folder import DatasetIndex
        from LaMoDCore.io.dataset.split import count_splits, propose_split, with_split
        from LaMoDCore.runtime.errors import LaMoDInputError

        ui = self._ui
        shares = [int(box.value) / 100 for box in (ui.trainShareSpinBox, ui.valShareSpinBox)]
        shares.append(round(1 - sum(shares), 4))
        try:
            entries = DatasetIndex.load(self._current()).entries
            self._split = propose_split(entries, shares, int(ui.splitSeedSpinBox.value))
        except (LaMoDInputError, ValueError) as error:
            self._showMessage(str(error))
            return
        counts = count_splits(with_split(entries, self._split))
        sites = sorted({count.site for count in counts})
        rows = [[site or _("not known"), *self._cells([c for c in counts if c.site == site])] for site in sites]
        rows.append([_("all"), *self._cells(counts)])
        self._table.show([_("Site"), *self.SPLITS], rows)
        ui.splitTable.visible = ui.applySplitButton.enabled = True
        self._showMessage(_("Subjects (cases) of each site. Nothing is written yet."))

    def _cells(self, counts: list[Any]) -> list[str]:
        """Subjects (cases) of each split, over the sites that are given."""
        cells = []
        for split in self.SPLITS:
            ofSplit = [count for count in counts if count.split == split]
            cells.append(f"{sum(c.subjects for c in ofSplit)} ({sum(c.cases for c in ofSplit)})")
        return cells

    def onApplySplitButton(self) -> None:
        from LaMoDCore.io.dataset.split import write_split
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            write_split(self._current(), self._split)
        except (LaMoDInputError, OSError) as error:
            self._showMessage(str(error))
            return
        self.forget()
        self._onWritten()
        self._showMessage(_("The split is written into dataset.json."))
