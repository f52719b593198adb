from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced import TrainingLayout
from LaMoDSlicerLib.Advanced.ComparedCase import ComparedCase
from LaMoDSlicerLib.Advanced.EvaluationFiles import EvaluationFiles
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Widgets.FigureWindow import FigureWindow
from LaMoDSlicerLib.Widgets.PanelWords import inPanel
from LaMoDSlicerLib.Widgets.TextTable import TextTable
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.CommandControls import CommandControls


class EvaluateSection:
    """Evaluates runs, models and baselines on a split, and shows single cases sorted by error.

    Args:
        owner: the module's widget.
        dataset: returns the folder of the selected dataset, or None.
        run: returns the folder of the selected training run, or None.
    """

    SPLITS = ("test", "val", "train")
    BASELINES = ("zero", "itk-demons", "lddmm")

    def __init__(self, owner: Any, dataset: Callable[[], Path | None], run: Callable[[], Path | None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/EvaluateSection.ui"))
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._dataset, self._run = dataset, run
        self._parameters: Any = None
        self._files: EvaluationFiles | None = None
        self._data: Path | None = None
        self._listed: list[str] = []
        self._rows: list[dict[str, Any]] = []
        self._figure = FigureWindow()
        self.case = ComparedCase(self.showMessage, self.showMessage, TrainingLayout.CASE)
        ui = self._ui
        self._command = CommandControls(ui.evaluateProgress, ui.evaluateCancelButton, self.showMessage, self.update)
        self.resultsTable = TextTable(ui.resultsTable, lambda _row: None)
        self.casesTable = TextTable(ui.casesTable, self.onCaseClicked)
        for split in self.SPLITS:
            ui.evaluateSplitSelector.addItem(split)
        for measure, (name, *_rest) in EvaluationFiles.MEASURES.items():
            ui.caseMeasureSelector.addItem(name, measure)
        ui.evaluateButton.connect("clicked(bool)", self.onEvaluateButton)
        ui.openEvaluationButton.connect("clicked(bool)", self.onOpenButton)
        ui.figureButton.connect("clicked(bool)", self.onFigureButton)
        ui.caseMethodSelector.connect("activated(int)", lambda _index: self._showCases())
        ui.caseMeasureSelector.connect("activated(int)", lambda _index: self._showCases())
        ui.methodsList.connect("itemChanged(QListWidgetItem*)", lambda _item: self.update())
        ui.evaluateSectionButton.connect("contentsCollapsed(bool)", self.onCollapsed)
        self._showFiles()

    @property
    def ui(self) -> Any:
        """The section's widgets by name."""
        return self._ui

    @property
    def files(self) -> EvaluationFiles | None:
        """The displayed evaluation, or None."""
        return self._files

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        if parameters is None:
            self.case.forget()
            self.showMessage("")

    def cleanup(self) -> None:
        self._command.cancel()
        self.case.cancel()
        self._figure.close()

    def showMessage(self, text: str) -> None:
        self._ui.evaluateMessage.text = inPanel(text)

    def onCollapsed(self, collapsed: bool) -> None:
        if not collapsed:
            self._listMethods()
            self.update()

    def datasetChanged(self) -> None:
        self.update()

    # --- methods -----------------------------------------------------------------------------------------------

    def _listMethods(self) -> None:
        from LaMoDCore.models.default_model import DEFAULT_MODEL
        from LaMoDCore.models.registry import known_models

        checked = self.methods() if self._listed else ["zero", DEFAULT_MODEL]
        names = [*self.BASELINES, *known_models()]
        run = self._run()
        if run is not None and (run / "model" / "model.json").is_file() and run.name not in names:
            names.append(str(run))
            checked = [*checked, str(run)] if str(run) not in self._listed else checked
        if names == self._listed:
            return
        self._listed = names
        widget = self._ui.methodsList
        widget.clear()
        for name in names:
            item = qt.QListWidgetItem(Path(name).name if name == str(run) else name)
            item.setToolTip(name)
            item.setCheckState(qt.Qt.Checked if name in checked else qt.Qt.Unchecked)
            widget.addItem(item)

    def methods(self) -> list[str]:
        """The checked methods, as named by `lamod evaluate --models`."""
        widget = self._ui.methodsList
        items = [widget.item(i) for i in range(widget.count)]
        if len(items) != len(self._listed):
            return []
        return [n for n, item in zip(self._listed, items, strict=True) if item.checkState() == qt.Qt.Checked]

    def update(self) -> None:
        """Enable the button; when it is disabled, its tooltip says why."""
        ui, busy = self._ui, self._command.isBusy
        problem = ""
        if self._dataset() is None:
            problem = _("Select or create a dataset under Dataset first.")
        elif busy:
            problem = _("An evaluation is running.")
        elif not self.methods():
            problem = _("Check at least one method.")
        tip = _("Predict all cases of the split with the checked methods and compare them with the truth")
        PanelWidgets.enable(ui.evaluateButton, problem, tip)

    # --- evaluation --------------------------------------------------------------------------------------------

    def onEvaluateButton(self) -> None:
        data = self._dataset()
        stem = f"{data.name}-evaluation"
        choices = [data.parent / stem, *(data.parent / f"{stem}-{number}" for number in range(2, 1000))]
        out = next(folder for folder in choices if not folder.exists())
        arguments = ["evaluate", "--data", str(data), "--out", str(out), "--models", ",".join(self.methods())]
        arguments += ["--split", self.SPLITS[self._ui.evaluateSplitSelector.currentIndex]]
        arguments += ["--device", self._parameters.device if self._parameters is not None else "auto"]
        if int(self._ui.limitSpinBox.value):
            arguments += ["--limit", str(int(self._ui.limitSpinBox.value))]
        try:
            Dependencies.ensure()
        except InputError as error:
            self.showMessage(str(error))
            return
        self._command.run(arguments, lambda _lines: self._onEvaluated(out))

    def _onEvaluated(self, out: Path) -> None:
        self.show(out)
        if self._files is None or self._files.folder != out:
            return
        text = _("Left out: {reason}")
        skipped = [text.format(reason=reason) for _case, reason in self._files.unreadable]
        self.showMessage("\n".join([_("Written to {folder}.").format(folder=out.name), *skipped]))

    def onOpenButton(self) -> None:
        folder = FileDialogs.chooseFolder(_("Select the folder of an evaluation"))
        if folder is not None:
            self.show(folder)

    # --- results -----------------------------------------------------------------------------------------------

    def show(self, folder: Path) -> None:
        """Show the evaluation in a folder."""
        try:
            self._files = EvaluationFiles.read(folder)
        except (OSError, KeyError, ValueError) as error:
            text = _("“{name}” is not a readable evaluation ({error}): select another folder.")
            self.showMessage(text.format(name=folder.name, error=error))
            return
        self.showMessage("")
        self._data = self._dataset()
        self._showFiles()

    def _showFiles(self) -> None:
        ui, files = self._ui, self._files
        isShown = files is not None
        for widget in (ui.resultsTable, ui.figureSelector, ui.figureButton, ui.casesTable, ui.casesLabel):
            widget.visible = isShown
        for selector in (ui.caseMethodSelector, ui.caseMeasureSelector):
            selector.visible = isShown
        if files is None:
            return
        shown = ("epe_mm", "ecc_error", "err_error")
        titles = [_("Method"), _("Cases"), *(EvaluationFiles.MEASURES[name][1] for name in shown)]
        rows = [[m, str(n), *(files.shown(name, means[name]) for name in shown)] for m, n, means in files.means()]
        self.resultsTable.show(titles, rows)
        ui.figureSelector.clear()
        for figure in files.figures():
            ui.figureSelector.addItem(figure.stem.replace("_", " "), str(figure))
        problem = "" if files.figures() else _("This evaluation contains no figures.")
        PanelWidgets.enable(ui.figureButton, problem, _("Show the selected figure in its own window"))
        ui.caseMethodSelector.clear()
        for method in files.methods:
            ui.caseMethodSelector.addItem(method)
        ui.caseMethodSelector.currentIndex = len(files.methods) - 1
        self._showCases()

    def _showCases(self) -> None:
        if self._files is None:
            return
        ui = self._ui
        measure = ui.caseMeasureSelector.itemData(ui.caseMeasureSelector.currentIndex)
        self._rows = self._files.worstFirst(ui.caseMethodSelector.currentText, measure)
        titles = [_("Case"), EvaluationFiles.MEASURES[measure][1], _("Disease"), _("Level"), _("Site")]
        rows = [
            [r["id"], self._files.shown(measure, r[measure]), r["disease"], r["level"], r["site"]] for r in self._rows
        ]
        self.casesTable.show(titles, rows)

    @property
    def caseIds(self) -> list[str]:
        """IDs of the cases in the displayed order."""
        return [row["id"] for row in self._rows]

    def onFigureButton(self) -> None:
        figure = self._ui.figureSelector.itemData(self._ui.figureSelector.currentIndex)
        self._figure.show(Path(figure))

    @property
    def figure(self) -> FigureWindow:
        """The window that shows figures."""
        return self._figure

    def onCaseClicked(self, row: int) -> None:
        """Show truth, prediction and difference of a case in the slice views."""
        data = self._data or self._dataset()
        method = self._rows[row]["model"]
        model = method.partition(",")[0]
        if data is None or self._parameters is None:
            self.showMessage(_("Select the dataset of this evaluation first."))
            return
        if model not in self._models():
            self.showMessage(
                _("{method} is not one of your models: its prediction cannot be shown.").format(method=method)
            )
            return
        caseId = self._rows[row]["id"]
        self.showMessage(_("{case}: predicting with {model} …").format(case=caseId, model=model))
        try:
            self.case.start(data, caseId, self._models()[model], model, self._parameters)
        except (InputError, OSError) as error:
            self.showMessage(str(error))

    def _models(self) -> dict[str, str]:
        """Name in the tables -> name or folder of the model."""
        from LaMoDCore.models.registry import known_models

        run = self._run()
        ofRun = {run.name: str(run)} if run is not None and (run / "run.json").is_file() else {}
        return ofRun | {name: name for name in known_models()}
