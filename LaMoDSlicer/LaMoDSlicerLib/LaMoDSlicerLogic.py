import time
from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from LaMoDSlicerLib.Contours import ContourEngine
from LaMoDSlicerLib.Contours.ContourDrawing import ContourDrawing, DrawnContours, explainDrawingExit
from LaMoDSlicerLib.Display.ResultDisplay import ResultDisplay
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest, SeriesRequest, explainExit
from LaMoDSlicerLib.Results import ResultImport, ResultKeeper
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Scene import SliceViews
from LaMoDSlicerLib.Scene.ParameterNode import ParameterNode
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class LaMoDSlicerLogic(ScriptedLoadableModuleLogic):
    """The panel's functions for Python code. Errors are raised; no dialog is opened."""

    def getParameterNode(self) -> ParameterNode:
        return ParameterNode(super().getParameterNode())

    def startPrediction(
        self,
        request: PredictionRequest | SeriesRequest,
        onProgress: Callable[[WorkerProgress], None],
        onResult: Callable[[Any], None],
        onError: Callable[[str], None],
    ) -> WorkerProcess:
        """Start a prediction in its own process and return at once. The scene does not change.

        Args:
            request: what to predict.
            onProgress: called after each line of output.
            onResult: called with the complete result, a LaMoDCore StoredResult.
            onError: called with a sentence for the user.

        Raises:
            InputError: packages are missing and their installation was declined.
            OSError: the process cannot be started.
        """
        Dependencies.ensure()

        def readResult(_lines: list[str]) -> None:
            try:
                result = ResultImport.read(worker.folder / "result")
            except InputError as error:
                worker.fail(_("The prediction ended without a readable result. {error}").format(error=error))
                return
            onResult(result)

        worker = WorkerProcess(
            onProgress, readResult, onError, explain=lambda code, output: explainExit(code, output, worker.folder)
        )
        return self._start(worker, request)

    def startDrawing(
        self,
        drawing: ContourDrawing,
        onProgress: Callable[[WorkerProgress], None],
        onDrawn: Callable[[DrawnContours], None],
        onError: Callable[[str], None],
    ) -> WorkerProcess:
        """Start to draw contours in their own process and return at once. The scene does not change.

        Args:
            drawing: the cine.
            onProgress: called after each line of output.
            onDrawn: called with the contours of all frames.
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
            explain=lambda code, output: explainDrawingExit(code, output, worker.folder),
        )
        return self._start(worker, drawing)

    @staticmethod
    def _start(worker: WorkerProcess, request: PredictionRequest | SeriesRequest | ContourDrawing) -> WorkerProcess:
        try:
            request.writeInputs(worker.folder)
            worker.start(request.commandLine(worker.folder))
        except BaseException:
            worker.removeFolder()
            raise
        return worker

    def showResult(self, result: Any, request: PredictionRequest, parameters: ParameterNode) -> ResultScene:
        """Add a LaMoDCore StoredResult to the scene and display it with the settings of the parameter node."""
        request = ResultKeeper.placeFor(request, parameters.parameterNode)
        with slicer.util.RenderBlocker():
            scene = ResultScene.create(ResultStack.of(result), request)
            ResultKeeper.keep(result, scene, request)
            parameters.resultBrowser = scene.browserNode
            SliceViews.lookAt(scene.background())
            ResultDisplay(scene).update(parameters)
            SliceViews.zoomTo(scene.proxy(ResultScene.CONTOURS))
            self._hideSegmentation(parameters.masks)
        return scene

    @staticmethod
    def _hideSegmentation(masksNode: Any) -> None:
        """The result shows the drawn contours as lines; the segmentation's fill would tint the colours of strain."""
        display = masksNode.GetDisplayNode() if masksNode is not None else None
        if display is not None and display.IsA("vtkMRMLSegmentationDisplayNode"):
            display.SetVisibility(False)

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
            options: any other member of the ParameterNode: level, model, device, samples, seed, useDiffusion.

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
