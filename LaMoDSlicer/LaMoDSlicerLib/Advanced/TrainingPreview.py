from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced import TrainingLayout
from LaMoDSlicerLib.Advanced.ComparedCase import ComparedCase
from LaMoDSlicerLib.Inputs.InputError import InputError


class TrainingPreview:
    """Shows a validation case every few epochs of a run, predicted by the last checkpoint, next to the truth.

    Args:
        ui: the train section's widgets by name.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._case = ComparedCase(self._showMessage, self._showMessage, TrainingLayout.COMPARISON)
        self._listed: Path | None = None
        self._shownAt = 0

    @property
    def case(self) -> ComparedCase:
        """The displayed case."""
        return self._case

    def listCases(self, data: Path | None) -> None:
        """List the validation cases of the dataset, or its training cases if there are none."""
        if data == self._listed:
            return
        self._listed = data
        selector = self._ui.previewSelector
        selector.clear()
        if data is None:
            return
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
        """Show the case again if enough epochs have passed since the last time.

        Args:
            report: state of the run (a LaMoDCore `RunReport`).
            curves: of the run (LaMoDCore `RunCurves`).
            parameters: the ParameterNode, or None while the scene is closed.
        """
        ui = self._ui
        isEnabled = ui.previewCheckBox.checked and parameters is not None and ui.previewSelector.count > 0
        if not isEnabled or self._case.isBusy or self._listed is None or not report.resumable:
            return
        if curves.epochs < self._shownAt:  # the run was restarted, or resumed from an earlier checkpoint
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
            self._showMessage(str(error))

    def cancel(self) -> None:
        """Cancel the running prediction."""
        self._case.cancel()

    def forget(self) -> None:
        """Discard the case because another run was selected, or the scene was closed."""
        self._case.forget()
        self._shownAt = 0
        self._showMessage("")

    def _showMessage(self, text: str) -> None:
        self._ui.previewLabel.text = text
