import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.SettingsForm import SettingsForm
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Worker import CoreLibrary, Dependencies
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess


class TrainingRecipe:
    """The settings of a training run: the preset, the initial weights, and optionally every setting in a form.

    Args:
        ui: the train section's widgets by name.
        onChanged: called when the selection changes.
        showMessage: called with a sentence for the user.
    """

    PRESETS = ("smoke", "laptop", "paper", "paper-reduced", "fine-tune")

    def __init__(self, ui: Any, onChanged: Callable[[], None], showMessage: Callable[[str], None]) -> None:
        self._ui, self._onChanged, self._showMessage = ui, onChanged, showMessage
        self._form: SettingsForm | None = None
        self._worker: WorkerProcess | None = None
        for preset in self.PRESETS:
            ui.presetSelector.addItem(preset)
        ui.presetSelector.currentIndex = self.PRESETS.index("laptop")
        ui.presetSelector.connect("activated(int)", self.onPresetChosen)
        ui.initSelector.connect("activated(int)", lambda _index: self._onChanged())
        ui.settingsButton.connect("toggled(bool)", self.onSettingsButton)
        ui.settingsFilter.connect("textChanged(QString)", self.onFilterChanged)

    @property
    def preset(self) -> str:
        """Name of the selected preset."""
        return self.PRESETS[self._ui.presetSelector.currentIndex]

    @property
    def init(self) -> str:
        """The model with the initial weights; "" for random weights."""
        return self._ui.initSelector.itemData(self._ui.initSelector.currentIndex) or ""

    @property
    def initSource(self) -> str:
        """As `init`, but the folder of a model of the user: a terminal outside Slicer does not find it by name."""
        from LaMoDCore.models.registry import known_models, shipped_folder

        folder = known_models().get(self.init)
        return self.init if folder is None or folder.parent == shipped_folder() else str(folder)

    @property
    def form(self) -> SettingsForm | None:
        """The form of all settings; None before it is opened, when the preset's settings apply."""
        return self._form

    def listModels(self) -> None:
        """List the models as initial weights."""
        from LaMoDCore.models.registry import known_models

        selector = self._ui.initSelector
        names = ["", *known_models()]
        if [selector.itemData(i) for i in range(selector.count)] != names:
            chosen = self.init if selector.count else ""
            selector.clear()
            for name in names:
                selector.addItem(name or _("Random weights"), name)
            selector.currentIndex = names.index(chosen) if chosen in names else 0

    def onPresetChosen(self, _index: int) -> None:
        from LaMoDCore.models.default_model import DEFAULT_MODEL

        selector = self._ui.initSelector
        if self.preset == "fine-tune" and selector.currentIndex == 0 and selector.count > 1:
            names = [selector.itemData(i) for i in range(selector.count)]
            selector.currentIndex = names.index(DEFAULT_MODEL) if DEFAULT_MODEL in names else 1
        if self._form is not None:
            self._form.show(self.preset)
        self._onChanged()

    def onSettingsButton(self, shown: bool) -> None:
        if shown and self._form is None:
            self._loadSettings()
            return
        for widget in (self._ui.settingsArea, self._ui.settingsFilter):
            widget.visible = shown
        self._onChanged()

    def _loadSettings(self) -> None:
        """Get the settings from LaMoDCore in its own process, because this imports torch."""
        if self._worker is not None:
            return
        try:
            Dependencies.ensure(Dependencies.FOR_TRAINING)
            self._worker = WorkerProcess(lambda _progress: None, self._onSettings, self._onError)
            self._worker.start(CoreLibrary.command(["settings", "--json"], reportsProgress=False))
        except (InputError, OSError) as error:
            self._onError(str(error))
            return
        self._showMessage(_("Loading the settings …"))

    def _onSettings(self, lines: list[str]) -> None:
        self._worker = None
        self._form = SettingsForm(json.loads(next(line for line in lines if line.startswith("["))))
        self._form.show(self.preset)
        self._ui.settingsArea.setWidget(self._form.widget)
        self._showMessage("")
        self.onSettingsButton(bool(self._ui.settingsButton.checked))

    def _onError(self, text: str) -> None:
        self._worker = None
        self._ui.settingsButton.checked = False
        self._showMessage(text)

    def cancel(self) -> None:
        """Stop loading the settings because the module is unloaded."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    def onFilterChanged(self, text: str) -> None:
        if self._form is not None:
            self._form.find(text)

    def prepare(self, run: Path, *, resume: bool) -> None:
        """Create the run's folder; for a new run, validate the form's settings and write them to its config.json.

        Raises:
            InputError: a setting is invalid, or LaMoD did not write what is in the folder.
            OSError: the folder cannot be written.
        """
        from LaMoDCore.runtime.errors import LaMoDInputError
        from LaMoDCore.training.run.folder import claim_run_folder

        settings = None
        if self._form is not None and not resume:
            settings = self._form.values()
            if self.init:
                del settings["model"]  # the networks are those of the initial model
        try:
            claim_run_folder(run, settings)
        except LaMoDInputError as error:
            raise InputError(str(error)) from error

    @staticmethod
    def config(run: Path) -> Path:
        """The settings file of a run."""
        return run / "config.json"
