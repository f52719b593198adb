from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Widgets.PanelWords import inPanel
from LaMoDSlicerLib.Widgets.TextTable import TextTable
from LaMoDSlicerLib.Worker import CoreLibrary
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess


class ModelsSection:
    """Lists the models with their model cards; selects, renames, exports, imports and deletes them.

    Args:
        owner: the module's widget.
        onChosen: called with the name of the model to use for predictions.
    """

    def __init__(self, owner: Any, onChosen: Callable[[str], None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/ModelsSection.ui"))
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._onChosen = onChosen
        self._parameters: Any = None
        self._models: list[Any] = []
        self._worker: WorkerProcess | None = None
        ui = self._ui
        self._table = TextTable(ui.modelsTable, lambda _row: self._showChosen())
        ui.useModelButton.connect("clicked(bool)", self.onUseButton)
        ui.renameModelButton.connect("clicked(bool)", self.onRenameButton)
        ui.importModelButton.connect("clicked(bool)", self.onImportButton)
        ui.exportModelButton.connect("clicked(bool)", self.onExportButton)
        ui.removeModelButton.connect("clicked(bool)", self.onRemoveButton)
        ui.renameEdit.connect("textChanged(QString)", lambda _text: self._showButtons())
        ui.modelsButton.connect("contentsCollapsed(bool)", lambda collapsed: None if collapsed else self.refresh())

    @property
    def ui(self) -> Any:
        """The section's widgets by name."""
        return self._ui

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        if parameters is None:
            self.showMessage("")

    def cleanup(self) -> None:
        if self._worker is not None:
            self._worker.cancel()

    def refresh(self, chosen: str = "") -> None:
        """List the models.

        Args:
            chosen: name of the model to select; by default the selected one.
        """
        from LaMoDCore.models.registry import registered_models

        chosen = chosen or (self.chosen.name if self.chosen is not None else "")
        self._models = registered_models()
        rows = []
        for model in self._models:
            kind = _("LaMoD") if model.shipped else _("own")
            rows.append([model.name, kind, f"{model.bytes / 1e6:.1f} MB", inPanel(model.fault) or _("ready")])
        self._table.show([_("Model"), _("Origin"), _("Size"), _("State")], rows)
        names = [model.name for model in self._models]
        self._table.select(names.index(chosen) if chosen in names else 0)
        self._showChosen()

    @property
    def chosen(self) -> Any:
        """The selected model (a LaMoDCore `RegisteredModel`), or None."""
        row = self._table.selected
        return self._models[row] if 0 <= row < len(self._models) else None

    def _showChosen(self) -> None:
        model = self.chosen
        text = ""
        if model is not None:
            card = model.folder / "MODEL_CARD.md"
            try:
                text = card.read_text(encoding="utf-8") if card.is_file() else _("This model has no MODEL_CARD.md.")
            except OSError as error:
                text = str(error)
            if model.fault:
                text = _("This model cannot be used: {fault}.").format(fault=inPanel(model.fault)) + "\n\n" + text
        self._ui.cardEdit.setMarkdown(text)
        self._showButtons()

    def _showButtons(self) -> None:
        ui, model, busy = self._ui, self.chosen, self._worker is not None
        unselected = "" if model is not None else _("Select a model first.")
        faulty = unselected or (_("This model cannot be used.") if model.fault else "")
        fixed = unselected or (_("This model comes with LaMoD and cannot be changed.") if model.shipped else "")
        unnamed = fixed or ("" if ui.renameEdit.text.strip() else _("Enter the new name first."))
        running = _("A model is being imported.") if busy else ""
        for button, problem, tip in (
            (ui.useModelButton, faulty, _("Use this model for Predict Strain")),
            (ui.exportModelButton, faulty, _("Write this model to a .zip file")),
            (ui.importModelButton, running, _("Add a model from a .zip file or folder to your models")),
            (ui.removeModelButton, fixed, _("Delete the files of this model")),
            (ui.renameModelButton, unnamed, _("Rename this model")),
        ):
            PanelWidgets.enable(button, problem, tip)

    def showMessage(self, text: str) -> None:
        self._ui.modelsMessage.text = inPanel(text)

    def onUseButton(self) -> None:
        self._onChosen(self.chosen.name)
        self.showMessage(_("“{name}” is now used for predictions.").format(name=self.chosen.name))

    def onRenameButton(self) -> None:
        from LaMoDCore.models.store import rename_model

        name, wanted = self.chosen.name, self._ui.renameEdit.text.strip()
        if self._try(lambda: rename_model(name, wanted)):
            self._ui.renameEdit.text = ""
            self._follow(name, wanted)
            self.refresh(wanted)
            self.showMessage(_("“{name}” was renamed to “{wanted}”.").format(name=name, wanted=wanted))

    def onExportButton(self) -> None:
        name = self.chosen.name
        path = FileDialogs.saveFile(_("Export model"), f"{name}.zip", "ZIP (*.zip)", (".zip",))
        if path is not None:
            self.exportTo(path)

    def exportTo(self, path: Path) -> None:
        """Write the selected model to a .zip file."""
        from LaMoDCore.models.store import export_model

        name = self.chosen.name
        if self._try(lambda: export_model(name, path)):
            self.showMessage(_("Written to {file}.").format(file=path.name))

    def onImportButton(self) -> None:
        path = FileDialogs.openFile(_("Import model"), _("Model (*.zip model.json)"))
        if path is not None:
            self.importFrom(path)

    def importFrom(self, path: Path) -> None:
        """Check a model and add it. This builds its networks, so it runs in its own process."""
        if self._worker is not None:
            self.showMessage(_("A model is being imported."))
            return
        source = path.parent if path.name == "model.json" else path
        self.showMessage(_("Checking {name} …").format(name=source.name))
        known = {model.name for model in self._models}
        self._worker = WorkerProcess(
            lambda _progress: None, lambda _lines: self._onImported(known), self._onImportFailed
        )
        try:
            self._worker.start(CoreLibrary.command(["models", "add", str(source)], reportsProgress=False))
        except OSError as error:
            self._onImportFailed(str(error))
        self._showButtons()

    def _onImported(self, known: set[str]) -> None:
        self._worker = None
        self.refresh()
        name = next((model.name for model in self._models if model.name not in known), "")
        self.refresh(name)
        self.showMessage(_("“{name}” was added to your models.").format(name=name))

    def _onImportFailed(self, text: str) -> None:
        self._worker = None
        self.showMessage(text)
        self._showButtons()

    def onRemoveButton(self) -> None:
        model = self.chosen
        question = _("Delete the model “{name}” ({size:.1f} MB)? Export it first if you may need it again.")
        if slicer.util.confirmOkCancelDisplay(question.format(name=model.name, size=model.bytes / 1e6)):
            self.remove(model.name)

    def remove(self, name: str) -> None:
        """Delete a model of the user."""
        from LaMoDCore.models.store import remove_model

        if self._try(lambda: remove_model(name)):
            self._follow(name, "")
            self.refresh()
            self.showMessage(_("“{name}” was deleted.").format(name=name))

    def _follow(self, name: str, wanted: str) -> None:
        """Update the model for predictions after it was renamed or deleted."""
        if self._parameters is not None and self._parameters.model == name:
            self._onChosen(wanted)

    def _try(self, action: Callable[[], Any]) -> bool:
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            with slicer.util.tryWithErrorDisplay(_("The model could not be changed."), show=False, waitCursor=True):
                action()
        except (LaMoDInputError, OSError) as error:
            self.showMessage(str(error))
            return False
        return True
