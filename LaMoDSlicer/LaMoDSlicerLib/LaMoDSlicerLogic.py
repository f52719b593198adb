import time
from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from LaMoDSlicerLib.Display.ResultDisplay import ResultDisplay
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Results.ResultKeeper import ResultKeeper
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene.ParameterNode import ParameterNode
from LaMoDSlicerLib.Scene.SliceViews import SliceViews
from LaMoDSlicerLib.Worker.Dependencies import Dependencies
from LaMoDSlicerLib.Worker.PredictionJob import PredictionJob
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class LaMoDSlicerLogic(ScriptedLoadableModuleLogic):
    """What the panel does, from Python; it raises and opens no dialog of its own."""

    def getParameterNode(self) -> ParameterNode:
        return ParameterNode(super().getParameterNode())

    def startPrediction(
        self,
        request: PredictionRequest,
        onProgress: Callable[[WorkerProgress], None],
        onResult: Callable[[ResultFiles], None],
        onFailure: Callable[[str], None],
    ) -> PredictionJob:
        """Start a prediction in its own process and return at once.

        Raises:
            InputError: packages are missing and were declined.
            OSError: the process cannot be started.
        """
        Dependencies.ensure()
        job = PredictionJob(request, onProgress, onResult, onFailure)
        job.start()
        return job

    def showResult(self, result: ResultFiles, request: PredictionRequest, parameters: ParameterNode) -> ResultScene:
        """Put a result into the scene and show it as the parameter node says."""
        request = ResultKeeper.placeFor(request, parameters.parameterNode)
        with slicer.util.RenderBlocker():
            scene = ResultScene.create(result, request)
            ResultKeeper.keep(result, scene, request.name)
            parameters.resultBrowser = scene.browserNode
            SliceViews.lookAt(scene.background())
            ResultDisplay(scene).update(parameters)
            SliceViews.zoomTo(scene.proxy(ResultScene.CONTOURS))
            self._replaceByOutlines(parameters.masks)
        return scene

    @staticmethod
    def _replaceByOutlines(masksNode: Any) -> None:
        """The result brings the drawn contours as lines; the masks' fill would tint the colours of strain."""
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
        """Predict and show strain, as the button does, and wait for it; Slicer stays alive meanwhile.

        Args:
            cineNode: sequence browser or 4-D volume of the cine, or None.
            masksNode: segmentation or labelmap of the myocardium, of a sequence or one node a frame.
            rvInsertionNode: markups point at the anterior RV insertion, or None.
            myocardium: segment ID or label number; empty to have it found.
            options: any other member of the ParameterNode: level, model, device, samples, seed, useDiffusion.

        Raises:
            InputError: the inputs cannot be used, with what to do.
            RuntimeError: the prediction failed, with what it said.
            TimeoutError: it took too long; it was ended.
        """
        parameters = self.getParameterNode()
        parameters.cine, parameters.masks, parameters.rvInsertion = cineNode, masksNode, rvInsertionNode
        parameters.myocardium = myocardium
        for name, value in options.items():
            if name not in parameters.allParameters:
                raise TypeError(f"predictStrain has no option {name!r}")
            setattr(parameters, name, value)
        request = RequestReader(parameters).read()
        results: list[ResultFiles] = []
        failures: list[str] = []
        job = self.startPrediction(request, lambda _progress: None, results.append, failures.append)
        deadline = time.monotonic() + timeoutSeconds
        while not results and not failures:
            slicer.app.processEvents()
            time.sleep(0.01)
            if time.monotonic() > deadline:
                job.cancel()
                raise TimeoutError(_("The prediction took longer than {s:.0f} s.").format(s=timeoutSeconds))
        if failures:
            raise RuntimeError(failures[0])
        return self.showResult(results[0], request, parameters)


__all__ = ["InputError", "LaMoDSlicerLogic"]
