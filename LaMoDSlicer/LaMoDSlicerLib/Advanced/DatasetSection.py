import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.DatasetMaking import DatasetMaking
from LaMoDSlicerLib.Advanced.SplitPreview import SplitPreview
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskLoader import MaskLoader
from LaMoDSlicerLib.Scene.SliceViews import SliceViews
from LaMoDSlicerLib.Scene.TextTable import TextTable
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.SectionCommand import SectionCommand


class DatasetSection:
    """Chooses or makes a dataset, checks it, and deals its subjects into splits.

    Args:
        owner: the module's widget.
        onChanged: called when another dataset was chosen, or this one has changed.
    """

    REMEMBERED = "LaMoD/Dataset"
    #: Exit code of `lamod dataset validate` where something must be looked at.
    FOUND_SOMETHING = 3

    def __init__(self, owner: Any, onChanged: Callable[[], None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/DatasetSection.ui"))
        self._ui = ui = slicer.util.childWidgetVariables(self.widget)
        self._onChanged = onChanged
        self._parameters: Any = None
        self._findings: list[dict[str, str]] = []
        self._command = SectionCommand(ui.datasetProgress, ui.datasetCancelButton, self.showMessage, self.refresh)
        self._making = DatasetMaking(ui, self._command, self.folder, self.setFolder, self.showMessage)
        self._split = SplitPreview(ui, self.folder, self._onSplit, self.showMessage)
        self._findingsTable = TextTable(ui.findingsTable, self.onFindingClicked)
        ui.datasetEdit.text = slicer.app.userSettings().value(self.REMEMBERED) or ""
        ui.datasetEdit.connect("textChanged(QString)", self.onDatasetChanged)
        ui.datasetBrowseButton.connect("clicked(bool)", self.onBrowseButton)
        ui.checkDatasetButton.connect("clicked(bool)", self.onCheckButton)
        ui.datasetButton.connect("contentsCollapsed(bool)", lambda collapsed: None if collapsed else self.refresh())

    @property
    def ui(self) -> Any:
        """The section's widgets by name."""
        return self._ui

    @property
    def isBusy(self) -> bool:
        """Whether a command is under way."""
        return self._command.isBusy

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self._making.setParameters(parameters)

    def cleanup(self) -> None:
        self._command.cancel()

    def showMessage(self, text: str) -> None:
        self._ui.datasetMessage.text = text

    # --- which dataset -----------------------------------------------------------------------------------------

    def folder(self) -> Path | None:
        """The chosen dataset; None where there is none in the chosen folder."""
        text = self._ui.datasetEdit.text.strip()
        return Path(text) if text and (Path(text) / "dataset.json").is_file() else None

    def setFolder(self, folder: Path) -> None:
        """Choose a dataset, or look at it again."""
        if self._ui.datasetEdit.text == str(folder):
            self.onDatasetChanged(str(folder))
        else:
            self._ui.datasetEdit.text = str(folder)

    def onDatasetChanged(self, text: str) -> None:
        slicer.app.userSettings().setValue(self.REMEMBERED, text)
        self._findings = []
        self._ui.findingsTable.visible = False
        self._ui.checkLabel.text = ""
        self._split.forget()
        self.refresh()
        self._onChanged()

    def onBrowseButton(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("A dataset's folder"))
        if folder:
            self.setFolder(Path(folder))

    def _onSplit(self) -> None:
        self.refresh()
        self._onChanged()

    def refresh(self) -> None:
        """Say what the chosen folder holds, and enable what can be clicked."""
        ui = self._ui
        ui.datasetSummary.text = self._summary() if ui.datasetEdit.text.strip() else ""
        for button in (ui.checkDatasetButton, ui.previewSplitButton):
            button.enabled = self.folder() is not None and not self.isBusy
        self._making.update()

    def _summary(self) -> str:
        CoreLibrary.makeImportable()
        from LaMoDCore.io.dataset.folder import SPLITS, DatasetIndex
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            index = DatasetIndex.load(Path(self._ui.datasetEdit.text.strip()))
        except LaMoDInputError as error:
            return str(error)
        text = _("{cases} cases of {subjects} subjects ({words}); sites: {sites}.")
        return text.format(
            cases=len(index),
            subjects=len({e.subject for e in index}),
            words=", ".join(f"{split} {len({e.subject for e in index.select(split=split)})}" for split in SPLITS),
            sites=", ".join(sorted({entry.site or "?" for entry in index})),
        )

    # --- checking ----------------------------------------------------------------------------------------------

    def onCheckButton(self) -> None:
        words = ["validate-dataset", str(self.folder()), "--json"]
        self._command.run(words, self._onChecked, wellEnded=(0, self.FOUND_SOMETHING))

    def _onChecked(self, lines: list[str]) -> None:
        found = next((line for line in lines if line.startswith("[")), "[]")
        self._findings = sorted(json.loads(found), key=lambda f: f["severity"] != "error")
        errors = sum(finding["severity"] == "error" for finding in self._findings)
        text = _("{errors} errors, {warnings} warnings").format(errors=errors, warnings=len(self._findings) - errors)
        self._ui.checkLabel.text = text if self._findings else _("Nothing is wrong.")
        self._ui.findingsTable.visible = bool(self._findings)
        rows = [[f["severity"], f["case"] or _("the dataset"), f["message"]] for f in self._findings]
        self._findingsTable.show([_("What"), _("Case"), _("Finding")], rows)

    def onFindingClicked(self, row: int) -> None:
        """Open the case: its masks become the masks of the module, to be looked at and mended."""
        case, folder = self._findings[row]["case"], self.folder()
        if not case or folder is None or self._parameters is None:
            return
        try:
            with slicer.util.tryWithErrorDisplay(_("The case cannot be opened."), show=False, waitCursor=True):
                self._parameters.masks = MaskLoader.load(folder / "cases" / case / "masks.seq.nrrd")
                SliceViews.lookAt(self._parameters.masks)
        except InputError as error:
            self.showMessage(str(error))
            return
        self.showMessage(_("{case}: its masks are in the scene.").format(case=case))
