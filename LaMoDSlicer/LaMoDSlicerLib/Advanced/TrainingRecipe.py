import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.SettingsForm import SettingsForm
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.Dependencies import Dependencies
from LaMoDSlicerLib.Worker.LamodCommand import LamodCommand


class TrainingRecipe:
    """What a training is to do: a preset, the weights that it starts from, and, once opened, every setting as a form.

    Args:
        ui: the train section's widgets by name.
        onChanged: called when something else was chosen.
        showMessage: called with a sentence for the person.
    """

    PRESETS = ("smoke", "laptop", "paper", "fine-tune")

    def __init__(self, ui: Any, onChanged: Callable[[], None], showMessage: Callable[[str], None]) -> None:
        self._ui, self._onChanged, self._showMessage = ui, onChanged, showMessage
        self._form: SettingsForm | None = None
        self._command: LamodCommand | None = None
        for preset in self.PRESETS:
            ui.presetSelector.addItem(preset)
        ui.presetSelector.currentIndex = self.PRESETS.index("laptop")
        ui.presetSelector.connect("activated(int)", self.onPresetChosen)
        ui.initSelector.connect("activated(int)", lambda _index: self._onChanged())
        ui.settingsButton.connect("toggled(bool)", self.onSettingsButton)
        ui.settingsFilter.connect("textChanged(QString)", self.onFilterChanged)

    @property
    def preset(self) -> str:
        """The chosen preset's name."""
        return self.PRESETS[self._ui.presetSelector.currentIndex]

    @property
    def init(self) -> str:
        """The model that the training starts from; "" for fresh weights."""
        return self._ui.initSelector.itemData(self._ui.initSelector.currentIndex) or ""

    @property
    def form(self) -> SettingsForm | None:
        """The settings' form; None until it was opened: then the preset says all."""
        return self._form

    def listModels(self) -> None:
        """Offer the models that there are now as a start."""
        CoreLibrary.makeImportable()
        from LaMoDCore.models.registry import known_models

        selector = self._ui.initSelector
        names = ["", *known_models()]
        if [selector.itemData(i) for i in range(selector.count)] != names:
            chosen = self.init if selector.count else ""
            selector.clear()
            for name in names:
                selector.addItem(name or _("fresh weights"), name)
            selector.currentIndex = names.index(chosen) if chosen in names else 0

    def onPresetChosen(self, _index: int) -> None:
        selector = self._ui.initSelector
        if self.preset == "fine-tune" and selector.currentIndex == 0 and selector.count > 1:
            selector.currentIndex = 1
        if self._form is not None:
            self._form.show(self.preset)
        self._onChanged()

    def onSettingsButton(self, shown: bool) -> None:
        if shown and self._form is None:
            self._askForSettings()
            return
        for widget in (self._ui.settingsArea, self._ui.settingsFilter):
            widget.visible = shown
        self._onChanged()

    def _askForSettings(self) -> None:
        """The library lists them, in a process of its own: it takes the networks' code to do so."""
        try:
            Dependencies.ensure(Dependencies.FOR_TRAINING)
            self._command = LamodCommand(lambda _progress: None, self._onSettings, self._onFailure)
            self._command.start(["settings", "--json"], tellsProgress=False)
        except (InputError, OSError) as error:
            self._onFailure(str(error))
            return
        self._showMessage(_("Listing the settings …"))

    def _onSettings(self, lines: list[str]) -> None:
        self._command = None
        self._form = SettingsForm(json.loads(next(line for line in lines if line.startswith("["))))
        self._form.show(self.preset)
        self._ui.settingsArea.setWidget(self._form.widget)
        self._showMessage("")
        self.onSettingsButton(bool(self._ui.settingsButton.checked))

    def _onFailure(self, text: str) -> None:
        self._command = None
        self._ui.settingsButton.checked = False
        self._showMessage(text)

    def cancel(self) -> None:
        """The module is unloaded."""
        if self._command is not None:
            self._command.cancel()

    def onFilterChanged(self, words: str) -> None:
        if self._form is not None:
            self._form.find(words)

    def write(self, run: Path) -> None:
        """Write the form's settings, checked, as the run's config.json; without a form there is nothing to write.

        Raises:
            InputError: a setting cannot be.
            OSError: the folder cannot be written to.
        """
        if self._form is None:
            return
        values = self._form.values()
        if self.init:
            del values["model"]  # the networks are those of the model that it starts from
        run.mkdir(parents=True, exist_ok=True)
        fresh = run / ".config.json.tmp"
        fresh.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        fresh.replace(self.config(run))

    @staticmethod
    def config(run: Path) -> Path:
        """Where a run's settings lie."""
        return run / "config.json"
