import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.TrainingPreview import TrainingPreview
from LaMoDSlicerLib.Advanced.TrainingRecipe import TrainingRecipe
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Reading.CurvesView import CurvesView
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.Dependencies import Dependencies
from LaMoDSlicerLib.Worker.LamodCommand import LamodCommand
from LaMoDSlicerLib.Worker.LaunchText import LaunchText
from LaMoDSlicerLib.Worker.TrainingProcess import TrainingProcess


class TrainSection:
    """Starts a training, finds one again, follows it, stops and resumes it.

    How a run stands is read from its folder, about once a second while this section is open, so it does not matter
    who started it, and nothing here is lost with the scene, the module or Slicer.

    Args:
        owner: the module's widget.
        dataset: gives the chosen dataset's folder, or None.
        onModelKept: called with the name of a model that was added to the person's own.
    """

    REMEMBERED = "LaMoD/Run"
    POLL_MS = 1000

    def __init__(self, owner: Any, dataset: Callable[[], Path | None], onModelKept: Callable[[str], None]) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/TrainSection.ui"))
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._owner, self._dataset, self._onModelKept = owner, dataset, onModelKept
        self._parameters: Any = None
        self._report: Any = None
        self._curves: Any = None
        self._process: TrainingProcess | None = None
        self._launched = 0.0
        self._command: LamodCommand | None = None
        self._proposed = ""
        self.recipe = TrainingRecipe(self._ui, self.datasetChanged, self.showMessage)
        self.command = LaunchText(self._ui, self._shownLaunch, self._onCopy, self.showMessage)
        self.curves = CurvesView(self._ui)
        self.preview = TrainingPreview(self._ui)
        self._timer = qt.QTimer()
        self._timer.setInterval(self.POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._setUp()

    @property
    def ui(self) -> Any:
        """The section's widgets by name."""
        return self._ui

    @property
    def report(self) -> Any:
        """How the run in the chosen folder stands (a LaMoDCore `RunReport`), or None before it was looked at."""
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

    def cleanup(self) -> None:
        """The module is unloaded; a training goes on."""
        self._timer.stop()
        self.preview.cancel()
        self.recipe.cancel()
        if self._command is not None:
            self._command.cancel()

    def onCollapsed(self, collapsed: bool) -> None:
        if collapsed:
            self._timer.stop()
            return
        self.datasetChanged()
        self.poll()
        self._timer.start()

    # --- what is to be trained ---------------------------------------------------------------------------------

    def run(self) -> Path | None:
        """The chosen run folder."""
        text = self._ui.runEdit.text.strip()
        return Path(text) if text else None

    def datasetChanged(self) -> None:
        """Another dataset was chosen: propose a run folder beside it, unless the person chose one."""
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
        self._curves = self._report = self._process = None
        self.curves.forget()
        self.preview.forget()
        self.poll()

    def onRunBrowseButton(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("A run's folder"))
        if folder:
            self._ui.runEdit.text = folder

    # --- the commands ------------------------------------------------------------------------------------------

    def launch(self, resume: bool = False) -> Any:
        """The run as it would be started now (a LaMoDCore `Launch`).

        Raises:
            InputError: dataset or run folder is not chosen.
        """
        CoreLibrary.makeImportable()
        from LaMoDCore.training.run.launch_commands import Launch

        run, data = self.run(), self._dataset()
        if run is None:
            raise InputError(_("Choose a folder for the run."))
        if resume and self._report is not None and self._report.data:
            data = Path(self._report.data)
        if data is None:
            raise InputError(_("Choose a dataset first: under Dataset, choose or make one."))
        device = self._parameters.device if self._parameters is not None else "auto"
        if resume:
            return Launch(data, run, resume=True, device=device)
        asItIs = self.recipe.form is None
        return Launch(
            data,
            run,
            preset=self.recipe.preset if asItIs else "",
            config=None if asItIs else self.recipe.config(run),
            init=self.recipe.init,
            device=device,
        )

    def _shownLaunch(self) -> Any:
        return self.launch(resume=self._isToBeResumed)

    def _onCopy(self) -> None:
        """The command names the run's config.json, which is written where there is no run yet."""
        if self._report is not None and self._report.state == "none":
            self.recipe.write(self.launch().run)

    # --- start, stop, resume -----------------------------------------------------------------------------------

    def onEstimateButton(self) -> None:
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The estimate failed."), show=False, waitCursor=True):
                Dependencies.ensure(Dependencies.FOR_TRAINING)
                launch = self.launch()
                self.recipe.write(launch.run)
                self._command = LamodCommand(self._onEstimateProgress, self._onEstimate, self._onCommandFailure)
                self._command.start([*launch.arguments(), "--estimate"])
        except (InputError, OSError) as error:
            self._command = None
            self.showMessage(str(error))
        self.update()

    def _onEstimateProgress(self, progress: Any) -> None:
        self._ui.estimateLabel.text = progress.message or _("trying a few steps …")

    def _onEstimate(self, lines: list[str]) -> None:
        self._command = None
        self._ui.estimateLabel.text = "\n".join(lines)
        self.update()

    def _onCommandFailure(self, text: str) -> None:
        self._command = None
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

                launch.run.mkdir(parents=True, exist_ok=True)
                if not resume:
                    self.recipe.write(launch.run)
                self._process = TrainingProcess(launch.run)
                self._launched = time.time()
                self._process.start(local_command(launch, CoreLibrary.python()), CoreLibrary.environment())
        except InputError as error:
            self.showMessage(str(error))
        except OSError as error:
            self._process = None
            self.showMessage(_("The training could not be started: {error}.").format(error=error))
        self._proposed = ""
        self.poll()

    def onStopButton(self) -> None:
        """A file asks the run to stop, whoever started it and wherever it runs."""
        try:
            (self.run() / "stop").touch()
        except OSError as error:
            self.showMessage(_("The run cannot be asked to stop: {error}.").format(error=error))
        self.poll()

    def onKeepModelButton(self) -> None:
        from LaMoDCore.models.registry import known_models

        run, known = self.run(), known_models()
        names = [run.name, *(f"{run.name}-{number}" for number in range(2, 1000))]
        name = next(each for each in names if each not in known)
        self.showMessage("")
        self._command = LamodCommand(lambda _progress: None, lambda _lines: self._onKept(name), self._onCommandFailure)
        try:
            self._command.start(["models", "add", str(run / "model"), name], tellsProgress=False)
        except OSError as error:
            self._onCommandFailure(str(error))
        self.update()

    def _onKept(self, name: str) -> None:
        self._command = None
        self.showMessage(_("“{name}” is among your models, and is chosen for Predict Strain.").format(name=name))
        self._onModelKept(name)
        self.update()

    # --- how it stands -----------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Look at the run's folder."""
        run = self.run()
        if run is None:
            self.update()
            return
        CoreLibrary.makeImportable()
        from LaMoDCore.training.run.curves import RunCurves
        from LaMoDCore.training.run.watch import read_run

        self._report = read_run(run)
        if self._curves is None:
            self._curves = RunCurves(run)
        if self._curves.update():
            self.curves.show(self._curves, self._report.stage, run.name)
        exitCode = self._process.exitCode() if self._process is not None else None
        if exitCode is not None:
            if exitCode not in (0, TrainingProcess.STOPPED) and self._process.lastWords():
                self.showMessage(self._process.lastWords())
            self._process = None
        if self._owner.parent.isEntered:  # in another module nobody asked for other views
            self.preview.follow(self._report, self._curves, self._parameters)
        self.update()

    @property
    def _isToBeResumed(self) -> bool:
        """Whether the run ended early and has a checkpoint to go on from."""
        report = self._report
        return report is not None and report.resumable and report.state in ("stopped", "failed", "killed")

    @property
    def isStarting(self) -> bool:
        """Whether it was started here and has not said anything yet."""
        started = self._process is not None and self._process.exitCode() is None
        return started and (self._report is None or self._report.updated < self._launched - 1)

    def update(self) -> None:
        """Show the run's state; a disabled button's tooltip says why."""
        ui, report = self._ui, self._report
        state = report.state if report is not None else "none"
        starting, busy = self.isStarting, self._command is not None
        words = [] if report is None or self.run() is None else [report.sentence, *report.remarks]
        ui.trainLabel.text = _("Starting …") if starting else "\n".join(words)
        ui.trainProgress.value = int(100 * report.fraction) if report is not None and not starting else 0
        problem = self._startProblem(state, starting)
        self._enable(ui.startButton, problem or (_("A moment …") if busy else ""), _("Train in a process of its own"))
        tip = _("Prepare the data and try a few steps on this machine; nothing is trained")
        self._enable(ui.estimateButton, problem or (_("A moment …") if busy else ""), tip)
        ui.stopButton.enabled = state == "running" and not starting
        ui.resumeButton.enabled = self._isToBeResumed and not starting
        ui.keepModelButton.enabled = report is not None and report.has_model and not busy
        ui.curvesButton.enabled = self.run() is not None
        self.command.update()

    def _startProblem(self, state: str, starting: bool) -> str:
        if self._dataset() is None:
            return _("Choose a dataset first: under Dataset, choose or make one.")
        if self.run() is None:
            return _("Choose a folder for the run.")
        if starting or state == "running":
            return _("A training is under way in this folder.")
        if state == "unreadable":
            return self._report.sentence
        if self._report is not None and (self._report.resumable or self._report.has_model):
            return _("The folder holds a run already: resume it, or choose another folder.")
        return ""

    @staticmethod
    def _enable(button: Any, problem: str, tip: str) -> None:
        button.enabled = not problem
        button.toolTip = problem or tip

    def showMessage(self, text: str) -> None:
        self._ui.trainMessage.text = text
