from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.SceneCase import SceneCase
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.CommandControls import CommandControls


class DatasetMaking:
    """Adds cases to datasets: synthetic hearts, DENSE scans, and the case in the scene.

    Args:
        ui: the dataset section's widgets by name.
        command: runs `lamod` commands.
        current: returns the folder of the selected dataset, or None.
        onChanged: called with the folder of a dataset that was created or extended.
        showMessage: called with a sentence for the user.
    """

    LEVELS = ("base", "mid", "apex")

    def __init__(
        self,
        ui: Any,
        command: CommandControls,
        current: Callable[[], Path | None],
        onChanged: Callable[[Path], None],
        showMessage: Callable[[str], None],
    ) -> None:
        self._ui, self._command = ui, command
        self._current, self._onChanged, self._showMessage = current, onChanged, showMessage
        self._parameters: Any = None
        for level in self.LEVELS:
            ui.sceneLevelSelector.addItem(level)
        for text, level in ((_("from the data"), ""), *((level, level) for level in self.LEVELS)):
            ui.denseLevelSelector.addItem(text, level)
        ui.sceneLevelSelector.currentIndex = self.LEVELS.index("mid")
        ui.makeSyntheticButton.connect("clicked(bool)", self.onMakeSyntheticButton)
        ui.denseFileButton.connect("clicked(bool)", self.onDenseFileButton)
        ui.denseFolderButton.connect("clicked(bool)", self.onDenseFolderButton)
        ui.addDenseButton.connect("clicked(bool)", self.onAddDenseButton)
        ui.addSceneButton.connect("clicked(bool)", self.onAddSceneButton)

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters

    def update(self) -> None:
        """Enable the buttons while no command runs."""
        ui = self._ui
        tips = {
            ui.makeSyntheticButton: _("Select a new folder and generate the hearts; nothing is downloaded"),
            ui.addDenseButton: _("Compute displacement from phase; without a selected dataset, a new one is created"),
            ui.addSceneButton: _("Add the masks and the cine of the slice that is selected in the section Heart"),
        }
        for button, tip in tips.items():
            PanelWidgets.enable(button, _("Another command is running.") if self._command.isBusy else "", tip)

    def onMakeSyntheticButton(self) -> None:
        """Generate a cohort of phantoms in a new folder, as `lamod phantom` does."""
        ui = self._ui
        path = FileDialogs.newFolder(_("Create a folder"), "hearts")
        if path is None:
            return
        arguments = ["phantom", "--out", str(path), "--count", str(int(ui.countSpinBox.value))]
        arguments += ["--seed", str(int(ui.syntheticSeedSpinBox.value)), "--no-report"]
        if ui.pairedCheckBox.checked:
            arguments.append("--paired")
        self._command.run(arguments, lambda _lines: self._onChanged(path))

    def onDenseFileButton(self) -> None:
        path = FileDialogs.openFile(_("Select a DENSEanalysis workspace"), "DENSE (*.dns *.mat)")
        if path is not None:
            self._ui.denseEdit.text = str(path)

    def onDenseFolderButton(self) -> None:
        folder = FileDialogs.chooseFolder(_("Select a folder of DENSE images"))
        if folder is not None:
            self._ui.denseEdit.text = str(folder)

    def onAddDenseButton(self) -> None:
        """Analyse a scan in a temporary folder, then add its case to the dataset."""
        scan = self._ui.denseEdit.text.strip()
        if not scan:
            self._showMessage(_("Select the scan first."))
            return
        into = self._target()
        if into is None:
            return
        try:
            Dependencies.ensure(Dependencies.FOR_DENSE)
        except InputError as error:
            self._showMessage(str(error))
            return
        self._command.run(
            lambda folder: ["dense", scan, "--out", str(folder / "scan"), *self._denseOptions()],
            lambda _lines: self._onAnalysed(self._command.folder / "scan", into),
        )

    def _denseOptions(self) -> list[str]:
        ui, arguments = self._ui, []
        for option, edit in (
            ("--masks", ui.denseMasksEdit),
            ("--subject", ui.denseSubjectEdit),
            ("--site", ui.denseSiteEdit),
            ("--disease", ui.denseDiseaseEdit),
        ):
            if edit.text.strip():
                arguments += [option, edit.text.strip()]
        if ui.denseGuessCheckBox.checked:
            arguments.append("--segment")
        if int(ui.denseRrSpinBox.value):
            arguments += ["--rr-ms", str(int(ui.denseRrSpinBox.value))]
        level = ui.denseLevelSelector.itemData(ui.denseLevelSelector.currentIndex)
        return [*arguments, "--level", level] if level else arguments

    def _onAnalysed(self, scan: Path, into: Path) -> None:
        from LaMoDCore.io.dataset.collection import collect
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            notes = _notesOf(scan)
            collect([scan], into)
        except LaMoDInputError as error:
            self._showMessage(str(error))
            return
        self._onChanged(into)
        self._showMessage("\n".join([_("Added to {name}.").format(name=into.name), *notes]))

    def onAddSceneButton(self) -> None:
        """Add the inputs of the panel as a case of the dataset."""
        ui, into = self._ui, self._target()
        if into is None:
            return
        self._showMessage("")
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
            self._showMessage(str(error))
            return
        self._onChanged(into)
        self._showMessage(_("Added as {name}.").format(name=name))

    def _target(self) -> Path | None:
        """The selected dataset, or a new folder from a file dialog; None if the dialog was cancelled."""
        if self._current() is not None:
            return self._current()
        return FileDialogs.newFolder(_("Create the folder of a new dataset"), "dataset")


def _notesOf(scan: Path) -> list[str]:
    """The notes of analysed DENSE scans as sentences, the most severe first.

    Raises:
        LaMoDInputError: the analysis wrote no readable case.
    """
    from LaMoDCore.heart.notes import Note, grouped, number_list
    from LaMoDCore.io.dataset.folder import DatasetIndex, read_dataset_case

    sentences = []
    for entry in DatasetIndex.load(scan):
        details = read_dataset_case(scan, entry.id).details
        for group in grouped(Note.from_dict(stored) for stored in details.get("notes", [])):
            parts = [group.note.text, group.note.remedy]
            if group.frames:
                frames = number_list([frame + 1 for frame in group.frames])
                parts.insert(0, _("Frames {frames}:").format(frames=frames))
            sentences.append(" ".join(part for part in parts if part))
        if details.get("doubtful_frames"):
            frames = number_list(details["doubtful_frames"])
            sentences.append(
                _("Doubtful frames, counted from the encoding instant as 0: {frames}.").format(frames=frames)
            )
    return sentences
