import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.SceneCase import SceneCase
from LaMoDSlicerLib.Worker.Dependencies import Dependencies
from LaMoDSlicerLib.Worker.SectionCommand import SectionCommand


class DatasetMaking:
    """Where a dataset's cases come from: synthetic hearts, DENSE scans, the scene.

    Args:
        ui: the dataset section's widgets by name.
        command: runs `lamod`.
        current: gives the chosen dataset's folder, or None.
        onMade: called with the folder of a dataset that was made, or that has more cases now.
        showMessage: called with a sentence for the person.
    """

    LEVELS = ("base", "mid", "apex")

    def __init__(
        self,
        ui: Any,
        command: SectionCommand,
        current: Callable[[], Path | None],
        onMade: Callable[[Path], None],
        showMessage: Callable[[str], None],
    ) -> None:
        self._ui, self._command = ui, command
        self._current, self._onMade, self._showMessage = current, onMade, showMessage
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
        """One thing at a time."""
        for button in (self._ui.makeSyntheticButton, self._ui.addDenseButton, self._ui.addSceneButton):
            button.enabled = not self._command.isBusy

    def onMakeSyntheticButton(self) -> None:
        """Write a cohort of phantoms into a new folder, as `lamod phantom` does."""
        ui = self._ui
        path = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), _("A new folder"), "hearts")
        if not path:
            return
        words = ["phantom", "--out", path, "--count", str(int(ui.countSpinBox.value))]
        words += ["--seed", str(int(ui.syntheticSeedSpinBox.value)), "--no-report"]
        if ui.pairedCheckBox.checked:
            words.append("--paired")
        self._command.run(words, lambda _lines: self._onMade(Path(path)))

    def onDenseFileButton(self) -> None:
        title = _("A DENSEanalysis workspace")
        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", "DENSE (*.dns *.mat)")
        if path:
            self._ui.denseEdit.text = path

    def onDenseFolderButton(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("A folder of DENSE pictures"))
        if folder:
            self._ui.denseEdit.text = folder

    def onAddDenseButton(self) -> None:
        """Analyse a scan beside the dataset, then put its case into it."""
        scan = self._ui.denseEdit.text.strip()
        if not scan:
            self._showMessage(_("Choose the scan first."))
            return
        into = self._target()
        if into is None:
            return
        try:
            Dependencies.ensure(Dependencies.FOR_DENSE)
        except InputError as error:
            self._showMessage(str(error))
            return
        temporary = Path(tempfile.mkdtemp(prefix="LaMoD-dense-", dir=slicer.app.temporaryPath))
        self._command.run(
            ["dense", scan, "--out", str(temporary / "scan"), *self._denseOptions()],
            lambda lines: self._onAnalysed(temporary / "scan", into, lines),
            lambda: shutil.rmtree(temporary, ignore_errors=True),
        )

    def _denseOptions(self) -> list[str]:
        ui, words = self._ui, []
        for option, edit in (
            ("--masks", ui.denseMasksEdit),
            ("--subject", ui.denseSubjectEdit),
            ("--site", ui.denseSiteEdit),
            ("--disease", ui.denseDiseaseEdit),
        ):
            if edit.text.strip():
                words += [option, edit.text.strip()]
        if ui.denseGuessCheckBox.checked:
            words.append("--segment")
        if int(ui.denseRrSpinBox.value):
            words += ["--rr-ms", str(int(ui.denseRrSpinBox.value))]
        level = ui.denseLevelSelector.itemData(ui.denseLevelSelector.currentIndex)
        return [*words, "--level", level] if level else words

    def _onAnalysed(self, scan: Path, into: Path, lines: list[str]) -> None:
        from LaMoDCore.io.dataset.collection import collect
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            collect([scan], into)
        except LaMoDInputError as error:
            self._showMessage(str(error))
            return
        self._onMade(into)
        notes = [line.strip() for line in lines if line.startswith("  ")]
        self._showMessage("\n".join([_("Added to {name}.").format(name=into.name), *notes]))

    def onAddSceneButton(self) -> None:
        """Write what is chosen under Inputs as a case of the dataset."""
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
        self._onMade(into)
        self._showMessage(_("Added as {name}.").format(name=name))

    def _target(self) -> Path | None:
        """The chosen dataset, or a new folder that the person names; None where none was named."""
        if self._current() is not None:
            return self._current()
        folder = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), _("A new dataset's folder"), "dataset")
        return Path(folder) if folder else None
