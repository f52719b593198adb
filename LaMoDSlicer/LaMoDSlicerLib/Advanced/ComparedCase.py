from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced import TrainingLayout
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Reading import DifferenceMap
from LaMoDSlicerLib.Reading.ReadingViews import ReadingViews
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Results import ResultImport
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Worker import CoreLibrary
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess


class ComparedCase:
    """Shows a case of a dataset in the slice views: the prediction of a model, the truth, and their difference.

    The prediction runs in its own process; the scene changes when the prediction is complete. The next case or model
    replaces the previous one in the scene.

    Args:
        onShown: called with a sentence about the views.
        onError: called with a sentence if the case cannot be shown.
        layout: a layout of TrainingLayout with three slice views.
    """

    def __init__(self, onShown: Callable[[str], None], onError: Callable[[str], None], layout: int) -> None:
        self._onShown, self._onError, self._layout = onShown, onError, layout
        self._views = ReadingViews()
        self._worker: WorkerProcess | None = None
        self._shown: dict[str, ResultNode] = {}

    @property
    def isBusy(self) -> bool:
        return self._worker is not None

    @property
    def results(self) -> dict[str, ResultNode]:
        """The results in the scene: "prediction" and "truth"."""
        return self._shown

    def start(self, data: Path, caseId: str, model: str, title: str, parameters: Any) -> None:
        """Start to predict a case and return at once; the case is shown when the prediction is complete.

        Args:
            data: folder of the dataset.
            caseId: ID of the case.
            model: name or folder of a model, or a run's folder.
            title: name of the prediction.
            parameters: the ParameterNode; provides device and colours.

        Raises:
            InputError: the case cannot be read.
            OSError: the process cannot be started.
        """
        self.cancel()
        worker = self._worker = WorkerProcess(
            lambda _progress: None,
            lambda _lines: self._onPredicted(worker.folder, data / "cases" / caseId, title, parameters),
            self._onWorkerError,
        )
        try:
            arguments = self._arguments(worker.folder, data, caseId, model, parameters.device)
            worker.start(CoreLibrary.command(arguments))
        except BaseException:
            self.cancel()
            raise

    @staticmethod
    def _arguments(folder: Path, data: Path, caseId: str, model: str, device: str) -> list[str]:
        from LaMoDCore.io.dataset.folder import read_dataset_case
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            case = read_dataset_case(data, caseId)
        except LaMoDInputError as error:
            raise InputError(str(error)) from error
        masks = data / "cases" / caseId / "masks.seq.nrrd"
        arguments = ["predict", str(masks), "--out", str(folder / "result")]
        arguments += ["--model", model, "--device", device, "--labels", "myo=1", "--no-report", "--samples", "1"]
        arguments += ["--levels", ",".join([case.level] * case.masks.shape[1])]
        if case.contour_convention != "auto":
            arguments += ["--contour-convention", case.contour_convention]
        if case.rv_insertion_lps is not None:
            arguments.append("--rv-insertion=" + ",".join(f"{v:.3f}" for v in case.rv_insertion_lps))
        return arguments

    def cancel(self) -> None:
        """Cancel the running prediction, if there is one."""
        if self._worker is not None:
            self._worker.cancel()
        self._worker = None

    def forget(self) -> None:
        """Release all nodes because the scene was closed."""
        self.cancel()
        self._views.release()
        self._shown = {}

    def _onWorkerError(self, text: str) -> None:
        self._worker = None
        self._onError(text)

    def _onPredicted(self, folder: Path, case: Path, title: str, parameters: Any) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(_("The case cannot be shown."), show=False, waitCursor=True):
                self._show(folder, case, title, parameters)
        except (InputError, ValueError, KeyError) as error:
            self._onError(_("“{case}” cannot be shown: {error}").format(case=case.name, error=error))
        else:
            text = _(
                "{case}: red view: {title}; yellow view: truth; green view: difference [percentage points of Ecc]."
            )
            self._onShown(text.format(case=case.name, title=title))
        finally:
            self._worker = None

    def _show(self, folder: Path, case: Path, title: str, parameters: Any) -> None:
        from LaMoDCore.runtime.atomic import replace

        with slicer.util.RenderBlocker():
            self.remove()
            renamed = folder / title  # results are named after their folder
            replace(folder / "result", renamed)
            prediction = ResultImport.load(renamed)
            self._shown = {"prediction": prediction}
            truth = self._shown["truth"] = ResultImport.load(case)
            TrainingLayout.open(self._layout)
            names = prediction.name, _("truth")
            comparison = ResultComparison(prediction.numbers(), truth.numbers(), *names)
            self._views.setResults(prediction, truth, comparison, parameters)
            self._views.showSlice(0)

    def remove(self) -> None:
        """Remove the results from the scene."""
        self._views.release()
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        for node in self._shown.values():
            if node.node.GetScene() is None:
                continue
            name = node.name
            for browser in {each.GetID(): each for each in node.browsers() if each is not None}.values():
                result = ResultScene(browser)
                DifferenceMap.remove(result)
                result.remove()
                self._removeBrowser(browser)
            slicer.mrmlScene.RemoveNode(node.node)
            folder = hierarchy.GetItemChildWithName(hierarchy.GetSceneItemID(), f"{name} strain")
            if folder:
                hierarchy.RemoveItem(folder)
        self._shown = {}

    @staticmethod
    def _removeBrowser(browser: Any) -> None:
        """Remove a browser with its images."""
        sequence = browser.GetMasterSequenceNode()
        proxy = browser.GetProxyNode(sequence) if sequence is not None else None
        for node in (browser, proxy, sequence):
            if node is not None and node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)
