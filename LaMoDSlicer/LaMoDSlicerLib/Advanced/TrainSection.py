import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.LaunchCommand import LaunchCommand
from LaMoDSlicerLib.Advanced.TrainingCurves import TrainingCurves
from LaMoDSlicerLib.Advanced.TrainingPreview import TrainingPreview
from LaMoDSlicerLib.Advanced.TrainingRecipe import TrainingRecipe
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Widgets.PanelWords import inPanel
from LaMoDSlicerLib.Worker import CoreLibrary, Dependencies
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess


class TrainSection:
    """Starts, monitors, stops and resumes training runs.

    The state of a run is read from its folder once per second while this section is open. A run therefore can be
    monitored wherever it was started, and continues without the scene, the module or Slicer.

    Args:
        owner: the module's widget.
        dataset: returns the folder of the selected dataset, or None.
        onModelAdded: called with the name of a model that was added to the user's models.
    """

    REMEMBERED = "LaMoD/Run"
    POLL_MS = 1000
    #: Output of a run that was started here.
    CONSOLE = "console.log"
    #: Exit code of a run that stopped at a checkpoint on request.
    EXIT_STOPPED = 130

    def __init__(self, owner: Any, dataset: Callable[[], Path | None], onModelAdded: Callable[[str], None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/TrainSection.ui"))
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._owner, self._dataset, self._onModelAdded = owner, dataset, onModelAdded
        self._parameters: Any = None
        self._report: Any = None
        self._curves: Any = None
        self._training: WorkerProcess | None = None
        self._launched = 0.0
        self._worker: WorkerProcess | None = None
        self._proposed = ""
        self.recipe = TrainingRecipe(self._ui, self.datasetChanged, self.showMessage)
        self.command = LaunchCommand(self._ui, self._shownLaunch, self._onCopy, self.showMessage)
        self.curves = TrainingCurves(self._ui)
        self.preview = TrainingPreview(self._ui)
        self._timer = qt.QTimer()
        self._timer.setInterval(self.POLL_MS)
        self._timer.timeout.connect(self.onTimeout)
        self._setUp()

    @property
    def ui(self) -> Any:
        """The section's widgets by name."""
        return self._ui

    @property
    def report(self) -> Any:
        """State of the selected run (a LaMoDCore `RunReport`), or None before it was read."""
        return self._report

    def _setUp(self) -> None:
        ui = self._ui
        ui.runEdit.text = slicer.app.userSettings().value(self.REMEMBERED) or ""
        ui.runEdit.connect("textChanged(QString)", self.onRunChanged)
        ui.runBrowseButton.connect("clicked(bool)", self.onRunBrowseButton)
        ui.estimateButton.connect("clicked(bool)", self.onEstimateButton)
        ui.startButton.connect("clicked(bool)", self.onStartButton)
        ui.stopButton.connect("clicked(bool)", self.onStopButton)
        ui.resumeButton.connect("clicked(bool)", self.onResumeButton)
        ui.keepModelButton.connect("clicked(bool)", self.onKeepModelButton)
        ui.trainButton.connect("contentsCollapsed(bool)", self.onCollapsed)

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        if parameters is None:
            self.preview.forget()
            self.showMessage("")

    def cleanup(self) -> None:
        """Cancel all commands because the module is unloaded; a training run continues."""
        self._timer.stop()
        self.preview.cancel()
        self.recipe.cancel()
        if self._training is not None:
            self._training.release()
        if self._worker is not None:
            self._worker.cancel()

    def onCollapsed(self, collapsed: bool) -> None:
        if collapsed:
            self._timer.stop()
            return
        self.datasetChanged()
        self.poll()
        self._timer.start()

    # --- selection ---------------------------------------------------------------------------------------------

    def run(self) -> Path | None:
        """The selected run folder."""
        text = self._ui.runEdit.text.strip()
        return Path(text) if text else None

    def datasetChanged(self) -> None:
        """Suggest a run folder next to the dataset, unless the user selected one."""
        self.recipe.listModels()
        self.preview.listCases(self._dataset())
        data = self._dataset()
        if data is not None and self._ui.runEdit.text in ("", self._proposed):
            stem = f"{data.name}-{self.recipe.preset}"
            taken = [data.parent / stem, *(data.parent / f"{stem}-{number}" for number in range(2, 1000))]
            self._proposed = str(next(f for f in taken if str(f) == self._proposed or not f.exists()))
            self._ui.runEdit.text = self._proposed
        self.update()

    def onRunChanged(self, text: str) -> None:
        slicer.app.userSettings().setValue(self.REMEMBERED, text)
        if self._training is not None:
            self._training.release()
        self._curves = self._report = self._training = None
        self.curves.forget()
        self.preview.forget()
        self.poll()

    def onRunBrowseButton(self) -> None:
        folder = FileDialogs.chooseFolder(_("Select the folder of a training run"))
        if folder is not None:
            self._ui.runEdit.text = str(folder)

    # --- command -----------------------------------------------------------------------------------------------

    def launch(self, resume: bool = False) -> Any:
        """The run as it would be started now (a LaMoDCore `Launch`).

        Raises:
            InputError: dataset or run folder is not selected.
        """
        from LaMoDCore.training.run.launch_commands import Launch

        run, data = self.run(), self._dataset()
        if run is None:
            raise InputError(_("Select a folder for the run."))
        if resume and self._report is not None and self._report.data:
            data = Path(self._report.data)
        if data is None:
            raise InputError(_("Select or create a dataset under Dataset first."))
        device = self._parameters.device if self._parameters is not None else "auto"
        if resume:
            return Launch(data, run, resume=True, device=device)
        isPreset = self.recipe.form is None
        return Launch(
            data,
            run,
            preset=self.recipe.preset if isPreset else "",
            config=None if isPreset else self.recipe.config(run),
            init=self.recipe.initSource,
            device=device,
        )

    def _shownLaunch(self) -> Any:
        return self.launch(resume=self._canBeResumed)

    def _onCopy(self) -> None:
        """Write config.json, which the command refers to, if there is no run yet."""
        if self._report is not None and self._report.state == "none":
            self.recipe.prepare(self.launch().run, resume=False)

    # --- start, stop, resume -----------------------------------------------------------------------------------

    def onEstimateButton(self) -> None:
        if self._worker is not None:
            return
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The estimate failed."), show=False, waitCursor=True):
                Dependencies.ensure(Dependencies.FOR_TRAINING)
                launch = self.launch()
                self.recipe.prepare(launch.run, resume=False)
                self._worker = WorkerProcess(self._onEstimateProgress, self._onEstimate, self._onWorkerError)
                self._worker.start(CoreLibrary.command([*launch.arguments(), "--estimate"]))
        except (InputError, OSError) as error:
            self._worker = None
            self.showMessage(str(error))
        self.update()

    def _onEstimateProgress(self, progress: Any) -> None:
        self._ui.estimateLabel.text = progress.message or _("Running a few steps …")

    def _onEstimate(self, lines: list[str]) -> None:
        self._worker = None
        self._ui.estimateLabel.text = "\n".join(lines)
        self.update()

    def _onWorkerError(self, text: str) -> None:
        self._worker = None
        self._ui.estimateLabel.text = ""
        self.showMessage(text)
        self.update()

    def onStartButton(self) -> None:
        self._start(resume=False)

    def onResumeButton(self) -> None:
        self._start(resume=True)

    def _start(self, resume: bool) -> None:
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The training could not be started."), show=False, waitCursor=True):
                Dependencies.ensure(Dependencies.FOR_TRAINING)
                launch = self.launch(resume)
                from LaMoDCore.training.run.launch_commands import local_command

                self.recipe.prepare(launch.run, resume=resume)
                self._training = WorkerProcess(
                    lambda _progress: None,
                    lambda _lines: self._onTrainingEnd(""),
                    self._onTrainingEnd,
                    (0, self.EXIT_STOPPED),
                )
                self._launched = time.time()
                self._training.start(local_command(launch, CoreLibrary.python()), launch.run / self.CONSOLE)
        except InputError as error:
            self.showMessage(str(error))
        except OSError as error:
            self._training = None
            self.showMessage(_("The training could not be started: {error}.").format(error=error))
        self._proposed = ""
        self.poll()

    def _onTrainingEnd(self, error: str) -> None:
        self._training = None
        if error:
            self.showMessage(error)
        self.poll()

    def onStopButton(self) -> None:
        """Create the file that requests the run to stop, wherever it runs."""
        try:
            (self.run() / "stop").touch()
        except OSError as error:
            self.showMessage(_("The run cannot be stopped: {error}.").format(error=error))
        self.poll()

    def onKeepModelButton(self) -> None:
        if self._worker is not None:
            return
        from LaMoDCore.models.registry import known_models

        run, known = self.run(), known_models()
        names = [run.name, *(f"{run.name}-{number}" for number in range(2, 1000))]
        name = next(each for each in names if each not in known)
        self.showMessage("")
        self._worker = WorkerProcess(
            lambda _progress: None, lambda _lines: self._onModelCopied(name), self._onWorkerError
        )
        try:
            self._worker.start(CoreLibrary.command(["models", "add", str(run / "model"), name], reportsProgress=False))
        except OSError as error:
            self._onWorkerError(str(error))
        self.update()

    def _onModelCopied(self, name: str) -> None:
        self._worker = None
        self.showMessage(_("“{name}” was added to your models and selected for Predict Strain.").format(name=name))
        self._onModelAdded(name)
        self.update()

    # --- state -------------------------------------------------------------------------------------------------

    def onTimeout(self) -> None:
        """Read the state of the run again; after an unexpected error, no more until the section is opened again."""
        try:
            self.poll()
        except Exception as error:  # the timer would repeat it every second
            self._timer.stop()
            reason = (str(error) or type(error).__name__).rstrip(".")
            text = _("The run can no longer be monitored: {error}. See the error log; open this section to try again.")
            self.showMessage(text.format(error=reason))
            raise

    def poll(self) -> None:
        """Read the state of the run from its folder."""
        run = self.run()
        if run is None:
            self.update()
            return
        from LaMoDCore.training.run.curves import RunCurves
        from LaMoDCore.training.run.watch import read_run

        self._report = read_run(run)
        if self._curves is None:
            self._curves = RunCurves(run)
        if self._curves.update():
            self.curves.show(self._curves, self._report.stage, run.name)
        if self._owner.parent.isEntered:  # do not change the views of other modules
            self.preview.follow(self._report, self._curves, self._parameters)
        self.update()

    @property
    def _canBeResumed(self) -> bool:
        """Whether the run ended early and has a checkpoint."""
        report = self._report
        return report is not None and report.resumable and report.state in ("stopped", "failed", "killed")

    @property
    def isStarting(self) -> bool:
        """Whether the run was started here and has not written its status yet."""
        isRunning = self._training is not None and self._training.isRunning
        return isRunning and (self._report is None or self._report.updated < self._launched - 1)

    def update(self) -> None:
        """Show the state of the run; the tooltip of a disabled button says why."""
        ui, report = self._ui, self._report
        state = report.state if report is not None else "none"
        starting, busy = self.isStarting, self._worker is not None
        lines = [] if report is None or self.run() is None else [report.sentence, *report.remarks]
        ui.trainLabel.text = _("Starting …") if starting else inPanel("\n".join(lines))
        ui.trainProgress.value = int(100 * report.fraction) if report is not None and not starting else 0
        waiting = _("Another command is running.") if busy else ""
        problem = self._startProblem(state, starting) or waiting
        PanelWidgets.enable(ui.startButton, problem, _("Train in a separate process, which continues without Slicer"))
        tip = _("Prepare the data and run a few steps on this computer without training")
        PanelWidgets.enable(ui.estimateButton, problem, tip)
        running = state == "running" and not starting
        tip = _("Write a checkpoint and stop; Resume continues from it")
        PanelWidgets.enable(ui.stopButton, "" if running else _("No training is running in this folder."), tip)
        problem = "" if self._canBeResumed and not starting else _("There is no interrupted run in this folder.")
        PanelWidgets.enable(
            ui.resumeButton, problem, _("Continue from the last checkpoint with the settings of the run")
        )
        problem = "" if report is not None and report.has_model else _("This folder contains no finished model.")
        tip = _("Copy the model to your models and select it for Predict Strain")
        PanelWidgets.enable(ui.keepModelButton, problem or waiting, tip)
        problem = "" if self.run() is not None else _("Select a folder for the run.")
        PanelWidgets.enable(ui.curvesButton, problem, _("Plot the losses next to the images during training"))
        self.command.update()

    def _startProblem(self, state: str, starting: bool) -> str:
        if self._dataset() is None:
            return _("Select or create a dataset under Dataset first.")
        if self.run() is None:
            return _("Select a folder for the run.")
        if starting or state == "running":
            return _("A training is running in this folder.")
        if state == "unreadable":
            return inPanel(self._report.sentence)
        if self._report is not None and (self._report.resumable or self._report.has_model):
            return _("The folder contains a run already: resume it, or select another folder.")
        return ""

    def showMessage(self, text: str) -> None:
        self._ui.trainMessage.text = inPanel(text)
