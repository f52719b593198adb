import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Dependencies import Dependencies
from LaMoDSlicerLib.InputError import InputError
from LaMoDSlicerLib.LamodCommand import LamodCommand
from LaMoDSlicerLib.MaskLoader import MaskLoader
from LaMoDSlicerLib.SceneCase import SceneCase
from LaMoDSlicerLib.SliceViews import SliceViews
from LaMoDSlicerLib.TextTable import TextTable
from LaMoDSlicerLib.WorkerProgress import WorkerProgress


class DatasetSection:
    """Makes a dataset, checks it, and deals its subjects into splits.

    Args:
        owner: the module's widget.
        onChanged: called when another dataset was chosen, or this one has changed.
    """

    REMEMBERED = "LaMoD/Dataset"
    LEVELS = ("base", "mid", "apex")
    #: Exit code of `lamod validate-dataset` where something must be looked at.
    FOUND_SOMETHING = 3

    def __init__(self, owner: Any, onChanged: Callable[[], None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/DatasetSection.ui"))
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._onChanged = onChanged
        self._parameters: Any = None
        self._command: LamodCommand | None = None
        self._findings: list[dict[str, str]] = []
        self._split: dict[str, str] | None = None
        ui = self._ui
        self.findingsTable = TextTable(ui.findingsTable, self.onFindingClicked)
        self.splitTable = TextTable(ui.splitTable, lambda _row: None)
        for level in self.LEVELS:
            ui.sceneLevelSelector.addItem(level)
        ui.sceneLevelSelector.currentIndex = self.LEVELS.index("mid")
        ui.datasetEdit.text = slicer.app.userSettings().value(self.REMEMBERED) or ""
        ui.datasetEdit.connect("textChanged(QString)", self.onDatasetChanged)
        ui.datasetBrowseButton.connect("clicked(bool)", self.onBrowseButton)
        ui.makeSyntheticButton.connect("clicked(bool)", self.onMakeSyntheticButton)
        ui.denseFileButton.connect("clicked(bool)", self.onDenseFileButton)
        ui.denseFolderButton.connect("clicked(bool)", self.onDenseFolderButton)
        ui.addDenseButton.connect("clicked(bool)", self.onAddDenseButton)
        ui.addSceneButton.connect("clicked(bool)", self.onAddSceneButton)
        ui.checkDatasetButton.connect("clicked(bool)", self.onCheckButton)
        ui.previewSplitButton.connect("clicked(bool)", self.onPreviewSplitButton)
        ui.applySplitButton.connect("clicked(bool)", self.onApplySplitButton)
        ui.datasetCancelButton.connect("clicked(bool)", self.onCancelButton)
        for box in (ui.trainShareSpinBox, ui.valShareSpinBox, ui.splitSeedSpinBox):
            box.connect("valueChanged(int)", lambda _value: self._forgetSplit())
        ui.datasetButton.connect("contentsCollapsed(bool)", lambda collapsed: None if collapsed else self.refresh())

    @property
    def ui(self) -> Any:
        """The section's widgets by name."""
        return self._ui

    @property
    def isBusy(self) -> bool:
        """Whether a command is under way."""
        return self._command is not None

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters

    def cleanup(self) -> None:
        self.onCancelButton()

    def folder(self) -> Path | None:
        """The chosen dataset; None where there is none in the chosen folder."""
        text = self._ui.datasetEdit.text.strip()
        return Path(text) if text and (Path(text) / "dataset.json").is_file() else None

    def setFolder(self, folder: Path) -> None:
        """Choose a dataset."""
        if self._ui.datasetEdit.text == str(folder):
            self.onDatasetChanged(str(folder))
        else:
            self._ui.datasetEdit.text = str(folder)

    def onDatasetChanged(self, text: str) -> None:
        slicer.app.userSettings().setValue(self.REMEMBERED, text)
        self._findings = []
        self._ui.findingsTable.visible = False
        self._ui.checkLabel.text = ""
        self._forgetSplit()
        self.refresh()
        self._onChanged()

    def onBrowseButton(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("A dataset's folder"))
        if folder:
            self.setFolder(Path(folder))

    def refresh(self) -> None:
        """Say what the chosen folder holds, and enable what can be clicked."""
        ui = self._ui
        text = ui.datasetEdit.text.strip()
        ui.datasetSummary.text = self._summary() if text else ""
        there, busy = self.folder() is not None, self.isBusy
        for button in (ui.checkDatasetButton, ui.previewSplitButton):
            button.enabled = there and not busy
        ui.applySplitButton.enabled = self._split is not None and not busy
        for button in (ui.makeSyntheticButton, ui.addDenseButton, ui.addSceneButton):
            button.enabled = not busy
        for widget in (ui.datasetProgress, ui.datasetCancelButton):
            widget.visible = busy

    def _summary(self) -> str:
        try:
            index = self._index()
        except InputError as error:
            return str(error)
        subjects = {split: len({e.subject for e in index.select(split=split)}) for split in ("train", "val", "test")}
        words = ", ".join(f"{split} {count}" for split, count in subjects.items())
        sites = sorted({entry.site or "?" for entry in index})
        text = _("{cases} cases of {subjects} subjects ({words}); sites: {sites}.")
        return text.format(
            cases=len(index), subjects=len({e.subject for e in index}), words=words, sites=", ".join(sites)
        )

    def _index(self) -> Any:
        CoreLibrary.makeImportable()
        from LaMoDCore.errors import LaMoDInputError
        from LaMoDCore.io.dataset import DatasetIndex

        try:
            return DatasetIndex.load(Path(self._ui.datasetEdit.text.strip()))
        except LaMoDInputError as error:
            raise InputError(str(error)) from error

    def showMessage(self, text: str) -> None:
        self._ui.datasetMessage.text = text

    # --- making ------------------------------------------------------------------------------------------------

    def onMakeSyntheticButton(self) -> None:
        folder = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), _("A new folder"), "hearts")
        if folder:
            self.makeSynthetic(Path(folder))

    def makeSynthetic(self, folder: Path) -> None:
        """Write a cohort of phantoms into a new folder, as `lamod phantom` does, and choose it."""
        ui = self._ui
        words = ["phantom", "--out", str(folder), "--count", str(int(ui.countSpinBox.value))]
        words += ["--seed", str(int(ui.syntheticSeedSpinBox.value)), "--no-report"]
        if ui.pairedCheckBox.checked:
            words.append("--paired")
        self._run(words, lambda _lines: self.setFolder(folder))

    def onDenseFileButton(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(), _("A DENSEanalysis workspace"), "", "DENSE (*.dns *.mat)"
        )
        if path:
            self._ui.denseEdit.text = path

    def onDenseFolderButton(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("A folder of DENSE pictures"))
        if folder:
            self._ui.denseEdit.text = folder

    def onAddDenseButton(self) -> None:
        """Analyse a scan beside the dataset, then put its case into it."""
        ui = self._ui
        self.showMessage("")
        if not ui.denseEdit.text.strip():
            self.showMessage(_("Choose the scan first."))
            return
        into = self._target()
        if into is None:
            return
        try:
            Dependencies.ensure(Dependencies.FOR_DENSE)
        except InputError as error:
            self.showMessage(str(error))
            return
        temporary = Path(tempfile.mkdtemp(prefix="LaMoD-dense-", dir=slicer.app.temporaryPath))
        words = ["dense", ui.denseEdit.text.strip(), "--out", str(temporary / "scan")]
        for option, edit in (
            ("--masks", ui.denseMasksEdit),
            ("--subject", ui.denseSubjectEdit),
            ("--site", ui.denseSiteEdit),
            ("--disease", ui.denseDiseaseEdit),
        ):
            if edit.text.strip():
                words += [option, edit.text.strip()]
        self._run(words, lambda lines: self._onDense(temporary, into, lines), temporary)

    def _onDense(self, temporary: Path, into: Path, lines: list[str]) -> None:
        from LaMoDCore.errors import LaMoDInputError
        from LaMoDCore.io.dataset_collection import collect

        try:
            collect([temporary / "scan"], into)
        except LaMoDInputError as error:
            self.showMessage(str(error))
            return
        self.setFolder(into)
        notes = [line.strip() for line in lines if line.startswith("  ")]
        self.showMessage("\n".join([_("Added to {name}.").format(name=into.name), *notes]))

    def onAddSceneButton(self) -> None:
        into = self._target()
        if into is not None:
            self.addScene(into)

    def addScene(self, into: Path) -> None:
        """Write what is chosen under Inputs as a case of a dataset."""
        ui = self._ui
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The case cannot be written."), show=False, waitCursor=True):
                if self._parameters is None:
                    raise InputError(_("The scene is being closed."))
                name = SceneCase(self._parameters).addTo(
                    into,
                    ui.sceneSubjectEdit.text,
                    ui.sceneSiteEdit.text,
                    ui.sceneDiseaseEdit.text,
                    self.LEVELS[ui.sceneLevelSelector.currentIndex],
                    bool(ui.sceneMotionCheckBox.checked),
                )
        except (InputError, OSError) as error:
            self.showMessage(str(error))
            return
        self.setFolder(into)
        self.showMessage(_("Added as {name}.").format(name=name))

    def _target(self) -> Path | None:
        """The chosen dataset, or a new folder that the person names; None where none was named."""
        if self.folder() is not None:
            return self.folder()
        folder = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), _("A new dataset's folder"), "dataset")
        return Path(folder) if folder else None

    def _run(
        self, words: list[str], onDone: Callable[[list[str]], None], temporary: Path | None = None, **options: Any
    ) -> None:
        """Args: temporary: a folder that is deleted at the end, however it ends."""
        self.showMessage("")

        def ended(then: Callable[[], None]) -> None:
            self._command = None
            self.showMessage("")
            then()
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
            self.refresh()

        self._command = LamodCommand(
            self._onProgress,
            lambda lines: ended(lambda: onDone(lines)),
            lambda text: ended(lambda: self.showMessage(text)),
        )
        self._ui.datasetProgress.value = 0
        try:
            self._command.start(words, **options)
        except OSError as error:
            problem = str(error)
            ended(lambda: self.showMessage(problem))
        self.refresh()

    def _onProgress(self, progress: WorkerProgress) -> None:
        self._ui.datasetProgress.value = int(100 * progress.fraction)
        if progress.message:
            self.showMessage(progress.message)

    def onCancelButton(self) -> None:
        if self._command is not None:
            self._command.cancel()
            self._command = None
            self.showMessage(_("Cancelled."))
            self.refresh()

    # --- checking ----------------------------------------------------------------------------------------------

    def onCheckButton(self) -> None:
        words = ["validate-dataset", str(self.folder()), "--json"]
        self._run(words, self._onChecked, wellEnded=(0, self.FOUND_SOMETHING))

    def _onChecked(self, lines: list[str]) -> None:
        found = next((line for line in lines if line.startswith("[")), "[]")
        self._findings = sorted(json.loads(found), key=lambda f: f["severity"] != "error")
        errors = sum(finding["severity"] == "error" for finding in self._findings)
        text = _("{errors} errors, {warnings} warnings").format(errors=errors, warnings=len(self._findings) - errors)
        self._ui.checkLabel.text = text if self._findings else _("Nothing is wrong.")
        self.showMessage("")
        self._ui.findingsTable.visible = bool(self._findings)
        rows = [[f["severity"], f["case"] or _("the dataset"), f["message"]] for f in self._findings]
        self.findingsTable.show([_("What"), _("Case"), _("Finding")], rows)

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

    # --- splitting ---------------------------------------------------------------------------------------------

    def _forgetSplit(self) -> None:
        self._split = None
        self._ui.splitTable.visible = False
        self._ui.applySplitButton.enabled = False

    def onPreviewSplitButton(self) -> None:
        ui = self._ui
        shares = [int(box.value) / 100 for box in (ui.trainShareSpinBox, ui.valShareSpinBox)]
        shares.append(round(1 - sum(shares), 4))
        try:
            index = self._index()
            from LaMoDCore.io.dataset_split import count_splits, propose_split, with_split

            split = propose_split(index.entries, shares, int(ui.splitSeedSpinBox.value))
        except (InputError, ValueError) as error:
            self.showMessage(str(error))
            return
        self._split = split
        counts = count_splits(with_split(index.entries, split))
        sites = sorted({count.site for count in counts})
        rows = [[site or _("not known"), *self._cells([c for c in counts if c.site == site])] for site in sites]
        rows.append([_("all"), *self._cells(counts)])
        self.splitTable.show([_("Site"), "train", "val", "test"], rows)
        ui.splitTable.visible = True
        self.showMessage(_("Subjects (cases) of each site. Nothing is written yet."))
        self.refresh()

    @staticmethod
    def _cells(counts: list[Any]) -> list[str]:
        """Subjects (cases) of each split, over the sites that are given."""
        cells = []
        for split in ("train", "val", "test"):
            ofSplit = [count for count in counts if count.split == split]
            cells.append(f"{sum(c.subjects for c in ofSplit)} ({sum(c.cases for c in ofSplit)})")
        return cells

    def onApplySplitButton(self) -> None:
        from LaMoDCore.errors import LaMoDInputError
        from LaMoDCore.io.dataset_split import write_split

        try:
            write_split(self.folder(), self._split)
        except (LaMoDInputError, OSError) as error:
            self.showMessage(str(error))
            return
        self._split = None
        self.refresh()
        self._onChanged()
        self.showMessage(_("The split is written into dataset.json."))
