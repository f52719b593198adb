from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.TrainingLayout import TrainingLayout
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Reading.ComparedCase import ComparedCase
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class TrainingPreview:
    """While a run goes on: every few epochs a validation case by the weights of its last checkpoint, beside the truth.

    Args:
        ui: the train section's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._case = ComparedCase(self._say, self._say, TrainingLayout.COMPARISON)
        self._listed: Path | None = None
        self._shownAt = 0

    @property
    def case(self) -> ComparedCase:
        """What is shown."""
        return self._case

    def listCases(self, data: Path | None) -> None:
        """Offer the dataset's validation cases (those of training where it has none)."""
        if data == self._listed:
            return
        self._listed = data
        selector = self._ui.previewSelector
        selector.clear()
        if data is None:
            return
        CoreLibrary.makeImportable()
        from LaMoDCore.io.dataset.folder import DatasetIndex
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            index = DatasetIndex.load(data)
        except LaMoDInputError:
            return
        for entry in index.select(split="val") or index.select(split="train"):
            if (data / "cases" / entry.id / "displacement.npz").is_file():
                selector.addItem(f"{entry.id} {entry.disease}".strip(), entry.id)

    def follow(self, report: Any, curves: Any, parameters: Any) -> None:
        """Show the case anew where enough epochs have passed since it was shown last.

        Args:
            report: how the run stands.
            curves: its curves, which count its epochs.
            parameters: the ParameterNode, or None while the scene is closed.
        """
        ui = self._ui
        wanted = ui.previewCheckBox.checked and parameters is not None and ui.previewSelector.count > 0
        if not wanted or self._case.isBusy or self._listed is None or not report.resumable:
            return
        if curves.epochs < self._shownAt:  # the run was started anew, or goes on from an earlier checkpoint
            self._shownAt = 0
        due = curves.epochs - self._shownAt >= int(ui.previewSpinBox.value)
        if not due and not (report.state == "finished" and curves.epochs > self._shownAt):
            return
        self._shownAt = curves.epochs
        caseId = ui.previewSelector.itemData(ui.previewSelector.currentIndex)
        title = _("{run}, epoch {epoch}").format(run=report.folder.name, epoch=curves.epochs)
        try:
            self._case.start(self._listed, caseId, str(report.folder), title, parameters)
        except (InputError, OSError) as error:
            self._say(str(error))

    def cancel(self) -> None:
        """End what is under way."""
        self._case.cancel()

    def forget(self) -> None:
        """Another run was chosen, or the scene was closed."""
        self._case.forget()
        self._shownAt = 0
        self._say("")

    def _say(self, text: str) -> None:
        self._ui.previewLabel.text = text
