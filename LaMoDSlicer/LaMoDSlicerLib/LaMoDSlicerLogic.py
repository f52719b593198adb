import time
from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from LaMoDSlicerLib.Contours.ContourDrawing import DrawnContours, explainDrawingExit
from LaMoDSlicerLib.Display.ResultViews import ResultViews
from LaMoDSlicerLib.Heart.HeartDrawing import HeartDrawing
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.LongAxis import LongAxisKeeper
from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest, explainExit, named
from LaMoDSlicerLib.Results import ResultImport, ResultKeeper
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.ParameterNode import ParameterNode
from LaMoDSlicerLib.Worker import ContourEngine, Dependencies
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class LaMoDSlicerLogic(ScriptedLoadableModuleLogic):
    """The panel's functions for Python code. Errors are raised; no dialog is opened."""

    def getParameterNode(self) -> ParameterNode:
        return ParameterNode(super().getParameterNode())

    def startPrediction(
        self,
        request: PredictionRequest | HeartRequest,
        onProgress: Callable[[WorkerProgress], None],
        onResult: Callable[[Any], None],
        onError: Callable[[str], None],
    ) -> WorkerProcess:
        """Start a prediction in its own process and return at once. The scene does not change.

        Args:
            request: one series, or a heart of several.
            onProgress: called after each line of output.
            onResult: called with the complete result, a LaMoDCore StoredResult, or a StoredLongAxis of long-axis slices
                alone.
            onError: called with a sentence for the user.

        Raises:
            InputError: packages are missing and their installation was declined.
            OSError: the process cannot be started.
        """
        Dependencies.ensure()
        heart = HeartRequest.of(request)
        read = ResultImport.read if heart.parts else LongAxisKeeper.read

        def readSteps() -> Steps:
            try:
                return (yield lambda: read(worker.folder / "result"))
            except InputError as error:
                text = _("The prediction ended without a readable result. {error}").format(error=error)
                raise InputError(text) from error

        worker = WorkerProcess(
            onProgress,
            lambda _lines: worker.continueWith(readSteps(), onResult),
            onError,
            explain=lambda code, output: explainExit(code, output, worker.folder, heart.files()),
        )
        return self._start(worker, heart)

    def startDrawing(
        self,
        drawing: HeartDrawing,
        onProgress: Callable[[WorkerProgress], None],
        onDrawn: Callable[[list[DrawnContours | None]], None],
        onError: Callable[[str], None],
    ) -> WorkerProcess:
        """Start to draw contours in their own process and return at once. The scene does not change.

        Args:
            drawing: the cines of one heart.
            onProgress: called after each line of output.
            onDrawn: called with the contours of all frames of each cine; None for a cine without a ventricle.
            onError: called with a sentence for the user.

        Raises:
            InputError: the contour engine was not accepted, or cannot be used.
            OSError: the process cannot be started.
        """
        ContourEngine.ensure()

        def readContours(_lines: list[str]) -> None:
            try:
                contours = drawing.read(worker.folder)
            except InputError as error:
                worker.fail(str(error))
                return
            onDrawn(contours)

        worker = WorkerProcess(
            onProgress,
            readContours,
            onError,
            explain=lambda code, output: named(explainDrawingExit(code, output, worker.folder), drawing.names()),
        )
        return self._start(worker, drawing)

    @staticmethod
    def _start(worker: WorkerProcess, request: HeartRequest | HeartDrawing) -> WorkerProcess:
        try:
            request.writeInputs(worker.folder)
            worker.start(request.commandLine(worker.folder))
        except BaseException:
            worker.removeFolder()
            raise
        return worker

    def addResult(
        self, result: Any, request: PredictionRequest | HeartRequest, parameters: ParameterNode
    ) -> ResultNode:
        """Add a LaMoDCore StoredResult to the scene; an earlier result of the same series is replaced.

        Raises:
            ValueError: a slice of the result belongs to none of the series.
        """
        return completed(self.resultSteps(result, request, parameters))

    def resultSteps(
        self,
        result: Any,
        request: PredictionRequest | HeartRequest,
        parameters: ParameterNode,
        onCommit: Callable[[], None] = lambda: None,
    ) -> Steps:
        """As `addResult`, in small steps; `onCommit` is called before the scene is changed.

        The result is a ResultNode, or a LongAxisNode of long-axis slices alone.
        """
        return ResultKeeper.steps(result, HeartRequest.of(request), parameters.parameterNode, onCommit)

    def showResult(
        self, result: Any, request: PredictionRequest | HeartRequest, parameters: ParameterNode
    ) -> ResultScene:
        """Add a result to the scene and display it with the settings of the parameter node."""
        with slicer.util.RenderBlocker():
            node = self.addResult(result, request, parameters)
            ResultViews().present(node, parameters)
        return ResultScene(parameters.resultBrowser)

    def predictStrain(
        self,
        cineNode: Any,
        masksNode: Any,
        rvInsertionNode: Any = None,
        myocardium: str = "",
        timeoutSeconds: float = 3600.0,
        **options: Any,
    ) -> ResultScene:
        """Predict and display strain like the Predict Strain button, and wait for it. Slicer stays responsive.

        Args:
            cineNode: sequence browser or 4-D volume of the cine, or None.
            masksNode: segmentation or labelmap of the myocardium: one of a sequence, or one node per frame.
            rvInsertionNode: markups point at the anterior RV insertion, or None.
            myocardium: segment ID or label number; empty to identify it automatically.
            options: any other member of the ParameterNode: level, contourConvention, model, device, samples, seed,
                useDiffusion.

        Raises:
            InputError: the inputs cannot be used; the message names the remedy.
            RuntimeError: the prediction failed; the message is that of the process. Or the scene was closed meanwhile.
            TimeoutError: the prediction took too long and was cancelled.
        """
        parameters = self.getParameterNode()
        parameters.cine, parameters.masks, parameters.rvInsertion = cineNode, masksNode, rvInsertionNode
        parameters.myocardium = myocardium
        for name, value in options.items():
            if name not in parameters.allParameters:
                raise TypeError(f"predictStrain has no option {name!r}")
            setattr(parameters, name, value)
        request = RequestReader(parameters).read()
        results: list[Any] = []
        errors: list[str] = []
        worker = self.startPrediction(request, lambda _progress: None, results.append, errors.append)
        self._waitFor(worker, lambda: bool(results or errors), timeoutSeconds)
        if errors:
            raise RuntimeError(errors[0])
        return self.showResult(results[0], request, parameters)

    @staticmethod
    def _waitFor(worker: WorkerProcess, hasEnded: Callable[[], bool], timeoutSeconds: float) -> None:
        """Handle events until a worker has ended; it is cancelled if that takes too long or the scene is closed."""
        scene, closed = slicer.mrmlScene, []
        tag = scene.AddObserver(scene.StartCloseEvent, lambda *_: closed.append(True))
        deadline = time.monotonic() + timeoutSeconds
        try:
            while not hasEnded():
                slicer.app.processEvents()
                time.sleep(0.01)
                if closed:
                    raise RuntimeError(_("The scene was closed during the prediction, which was cancelled."))
                if time.monotonic() > deadline:
                    raise TimeoutError(_("The prediction took longer than {s:.0f} s.").format(s=timeoutSeconds))
        except BaseException:
            worker.cancel()
            raise
        finally:
            scene.RemoveObserver(tag)


__all__ = ["InputError", "LaMoDSlicerLogic"]
