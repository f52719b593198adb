import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.DatasetMaking import DatasetMaking
from LaMoDSlicerLib.Advanced.SplitPreview import SplitPreview
from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Widgets.PanelWords import inPanel
from LaMoDSlicerLib.Widgets.TextTable import TextTable
from LaMoDSlicerLib.Worker.CommandControls import CommandControls


class DatasetSection:
    """Selects or creates a dataset, checks it, and assigns its subjects to splits.

    Args:
        owner: the module's widget.
        onChanged: called when another dataset is selected, or the dataset changes.
    """

    REMEMBERED = "LaMoD/Dataset"
    #: Exit code of `lamod dataset validate` with findings.
    EXIT_FINDINGS = 3

    def __init__(self, owner: Any, onChanged: Callable[[], None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/DatasetSection.ui"))
        self._ui = ui = slicer.util.childWidgetVariables(self.widget)
        self._onChanged = onChanged
        self._parameters: Any = None
        self._findings: list[dict[str, str]] = []
        self._command = CommandControls(ui.datasetProgress, ui.datasetCancelButton, self.showMessage, self.refresh)
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
        """Whether a command is running."""
        return self._command.isBusy

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self._making.setParameters(parameters)
        if parameters is None:
            self.showMessage("")

    def cleanup(self) -> None:
        self._command.cancel()

    def showMessage(self, text: str) -> None:
        self._ui.datasetMessage.text = inPanel(text)

    # --- selection ---------------------------------------------------------------------------------------------

    def folder(self) -> Path | None:
        """The selected dataset; None if the selected folder is not a dataset."""
        text = self._ui.datasetEdit.text.strip()
        return Path(text) if text and (Path(text) / "dataset.json").is_file() else None

    def setFolder(self, folder: Path) -> None:
        """Select a dataset, or read the selected one again."""
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
        folder = FileDialogs.chooseFolder(_("Select the folder of a dataset"))
        if folder is not None:
            self.setFolder(folder)

    def _onSplit(self) -> None:
        self.refresh()
        self._onChanged()

    def refresh(self) -> None:
        """Summarise the selected dataset and enable the controls."""
        ui = self._ui
        ui.datasetSummary.text = self._summary() if ui.datasetEdit.text.strip() else ""
        problem = ""
        if self.isBusy:
            problem = _("Another command is running.")
        elif self.folder() is None:
            problem = _("Select a dataset first.")
        tips = {
            ui.checkDatasetButton: _("Check files, shapes, geometry, times, masks, motion, pairs and splits"),
            ui.previewSplitButton: _("Assign whole subjects to splits, balanced over sites; nothing is written"),
        }
        for button, tip in tips.items():
            PanelWidgets.enable(button, problem, tip)
        self._making.update()

    def _summary(self) -> str:
        from LaMoDCore.io.dataset.folder import SPLITS, DatasetIndex
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            index = DatasetIndex.load(Path(self._ui.datasetEdit.text.strip()))
        except LaMoDInputError as error:
            return inPanel(str(error))
        text = _("{cases} cases of {subjects} subjects ({splits}); sites: {sites}.")
        return text.format(
            cases=len(index),
            subjects=len({e.subject for e in index}),
            splits=", ".join(f"{split} {len({e.subject for e in index.select(split=split)})}" for split in SPLITS),
            sites=", ".join(sorted({entry.site or _("unknown") for entry in index})),
        )

    # --- checks ------------------------------------------------------------------------------------------------

    def onCheckButton(self) -> None:
        arguments = ["dataset", "validate", str(self.folder()), "--json"]
        self._command.run(arguments, self._onChecked, successCodes=(0, self.EXIT_FINDINGS))

    def _onChecked(self, lines: list[str]) -> None:
        found = next((line for line in lines if line.startswith("[")), "[]")
        self._findings = sorted(json.loads(found), key=lambda f: f["severity"] != "error")
        errors = sum(finding["severity"] == "error" for finding in self._findings)
        text = _("errors: {errors}, warnings: {warnings}").format(errors=errors, warnings=len(self._findings) - errors)
        self._ui.checkLabel.text = text if self._findings else _("No problems found.")
        self._ui.findingsTable.visible = bool(self._findings)
        rows = [[f["severity"], f["case"] or _("dataset"), inPanel(f["message"])] for f in self._findings]
        self._findingsTable.show([_("Severity"), _("Case"), _("Finding")], rows)

    def onFindingClicked(self, row: int) -> None:
        """Load the masks of the case and select them as the module's masks."""
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
        self.showMessage(_("The masks of {case} were loaded.").format(case=case))
