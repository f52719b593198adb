import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.TrainingLayout import TrainingLayout
from LaMoDSlicerLib.Contours.DifferenceMap import DifferenceMap
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Reading.Comparison import Comparison
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Reading.ReadingViews import ReadingViews
from LaMoDSlicerLib.Results.ResultImport import ResultImport
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.LamodCommand import LamodCommand


class ComparedCase:
    """A case of a dataset in the slice views: what a model predicts, the truth, and the difference.

    The prediction is a process of its own; the scene is touched when it is whole. Showing another case, or the same
    one by another model, takes the earlier one out of the scene.

    Args:
        onShown: called with a sentence: what is shown.
        onFailure: called with a sentence where nothing could be shown.
        layout: of `TrainingLayout`, with three slice views.
    """

    def __init__(self, onShown: Callable[[str], None], onFailure: Callable[[str], None], layout: int) -> None:
        self._onShown, self._onFailure, self._layout = onShown, onFailure, layout
        self._views = ReadingViews()
        self._command: LamodCommand | None = None
        self._folder: Path | None = None
        self._shown: dict[str, ReadingNode] = {}

    @property
    def isBusy(self) -> bool:
        return self._command is not None

    @property
    def results(self) -> dict[str, ReadingNode]:
        """What is in the scene: "prediction" and "truth"."""
        return self._shown

    def start(self, data: Path, caseId: str, model: str, title: str, parameters: Any) -> None:
        """Predict a case and show it; returns at once.

        Args:
            data: the dataset.
            caseId: which case.
            model: name or folder of a model, or a run's folder.
            title: what the prediction is called.
            parameters: the ParameterNode: device and colours.

        Raises:
            InputError: the case cannot be read.
            OSError: the process cannot be started.
        """
        self.cancel()
        self._folder = Path(tempfile.mkdtemp(prefix="LaMoD-case-", dir=slicer.app.temporaryPath))
        self._command = LamodCommand(
            lambda _progress: None,
            lambda _lines: self._onPredicted(data / "cases" / caseId, title, parameters),
            self._onCommandFailure,
        )
        try:
            self._command.start(self._arguments(data, caseId, model, parameters.device))
        except (InputError, OSError):
            self._end()
            raise

    def _arguments(self, data: Path, caseId: str, model: str, device: str) -> list[str]:
        CoreLibrary.makeImportable()
        from LaMoDCore.io.dataset.folder import read_dataset_case
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            case = read_dataset_case(data, caseId)
        except LaMoDInputError as error:
            raise InputError(str(error)) from error
        words = ["predict", str(data / "cases" / caseId / "masks.seq.nrrd"), "--out", str(self._folder / "result")]
        words += ["--model", model, "--device", device, "--labels", "myo=1", "--no-report", "--samples", "1"]
        words += ["--levels", ",".join([case.level] * case.masks.shape[1])]
        if case.rv_insertion_lps is not None:
            words.append("--rv-insertion=" + ",".join(f"{v:.3f}" for v in case.rv_insertion_lps))
        return words

    def cancel(self) -> None:
        """End what is under way, if anything."""
        if self._command is not None:
            self._command.cancel()
        self._end()

    def _end(self) -> None:
        self._command = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def forget(self) -> None:
        """The scene was closed: nothing of it is held."""
        self.cancel()
        self._views.release()
        self._shown = {}

    def _onCommandFailure(self, text: str) -> None:
        self._end()
        self._onFailure(text)

    def _onPredicted(self, case: Path, title: str, parameters: Any) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(_("The case cannot be shown."), show=False, waitCursor=True):
                self._show(case, title, parameters)
        except (InputError, ValueError, KeyError) as error:
            self._onFailure(_("“{case}” cannot be shown: {error}").format(case=case.name, error=error))
        else:
            text = _("{case}: red {title}, yellow the truth, green prediction minus truth, percentage points of Ecc.")
            self._onShown(text.format(case=case.name, title=title))
        finally:
            self._end()

    def _show(self, case: Path, title: str, parameters: Any) -> None:
        with slicer.util.RenderBlocker():
            self.remove()
            renamed = self._folder / title
            (self._folder / "result").rename(renamed)
            prediction = ResultImport.load(renamed)
            self._shown = {"prediction": prediction}
            truth = self._shown["truth"] = ResultImport.load(case)
            TrainingLayout.open(self._layout)
            names = prediction.name, _("truth")
            comparison = Comparison(prediction.reading(), truth.reading(), *names)
            self._views.setResults(prediction, truth, comparison, parameters)
            self._views.showSlice(0)

    def remove(self) -> None:
        """Take what is shown out of the scene."""
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
        """The browser with the pictures that were put there for it."""
        sequence = browser.GetMasterSequenceNode()
        proxy = browser.GetProxyNode(sequence) if sequence is not None else None
        for node in (browser, proxy, sequence):
            if node is not None and node.GetScene() is not None:
                slicer.mrmlScene.RemoveNode(node)
