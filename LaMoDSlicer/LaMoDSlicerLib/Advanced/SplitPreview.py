from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Widgets import PanelWidgets
from LaMoDSlicerLib.Widgets.TextTable import TextTable


class SplitPreview:
    """Assigns the subjects of a dataset to train, val and test: first a preview, then written by a second click.

    Args:
        ui: the dataset section's widgets by name.
        current: returns the folder of the selected dataset, or None.
        onWritten: called after dataset.json was written.
        showMessage: called with a sentence for the user.
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
        self._updateApplyButton()
        for box in (ui.trainShareSpinBox, ui.valShareSpinBox, ui.splitSeedSpinBox):
            box.connect("valueChanged(int)", lambda _value: self.forget())

    def forget(self) -> None:
        """Discard the preview because the dataset or the shares changed."""
        self._split = None
        self._ui.splitTable.visible = False
        self._updateApplyButton()

    def _updateApplyButton(self) -> None:
        problem = "" if self._split is not None else _("Press “Preview split” first.")
        PanelWidgets.enable(self._ui.applySplitButton, problem, _("Write the split to dataset.json"))

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
        rows = [[site or _("unknown"), *self._cells([c for c in counts if c.site == site])] for site in sites]
        rows.append([_("all"), *self._cells(counts)])
        self._table.show([_("Site"), *self.SPLITS], rows)
        ui.splitTable.visible = True
        self._updateApplyButton()
        self._showMessage(_("Subjects (cases) per site. Nothing is written yet."))

    def _cells(self, counts: list[Any]) -> list[str]:
        """Subjects (cases) per split, summed over sites."""
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
        self._showMessage(_("The split was written to dataset.json."))
