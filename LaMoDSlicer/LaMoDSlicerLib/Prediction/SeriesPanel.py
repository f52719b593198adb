from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs import MaskLoader
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader, seriesInScene
from LaMoDSlicerLib.Prediction.PredictionRequest import SeriesRequest
from LaMoDSlicerLib.Results import ResultContours, ResultImport
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class SeriesPanel:
    """Predicts several series of one heart together: lists each cine with its masks and predicts the checked ones.

    Args:
        ui: the reading panel's widgets by name.
        logic: the module's logic.
        showMessage: called with a sentence for the user.
    """

    def __init__(self, ui: Any, logic: Any, showMessage: Any) -> None:
        self._ui, self._logic, self._showMessage = ui, logic, showMessage
        self._parameters: Any = None
        self._pairs: list[tuple[Any, Any]] = []
        self._job: Any = None
        ui.addSeriesButton.connect("clicked(bool)", self.onAddButton)
        ui.predictSeriesButton.connect("clicked(bool)", self.onPredictButton)
        ui.seriesList.connect("itemChanged(QListWidgetItem*)", lambda _item: self._updateButton())

    @property
    def job(self) -> Any:
        """The running prediction, or None."""
        return self._job

    def setParameters(self, parameters: Any) -> None:
        if parameters is None:
            self.cancel()
        self._parameters = parameters

    def update(self) -> None:
        """List the series of the scene."""
        pairs = seriesInScene() if self._parameters is not None else []
        self._ui.addSeriesButton.enabled = self._parameters is not None
        if pairs != self._pairs:
            self._pairs = pairs
            self._ui.seriesList.clear()
            for browser, masks in pairs:
                cine = browser.GetName() if browser is not None else _("masks only")
                item = qt.QListWidgetItem(f"{cine}  ·  {masks.GetName()}")
                item.setCheckState(qt.Qt.Checked)
                self._ui.seriesList.addItem(item)
        self._updateButton()

    def _checked(self) -> list[tuple[Any, Any]]:
        items = [self._ui.seriesList.item(i) for i in range(self._ui.seriesList.count)]
        return [pair for pair, item in zip(self._pairs, items, strict=True) if item.checkState() == qt.Qt.Checked]

    def _updateButton(self) -> None:
        running = self._job is not None
        several = len(self._checked()) > 1 if len(self._pairs) == self._ui.seriesList.count else False
        button = self._ui.predictSeriesButton
        button.text = _("Cancel") if running else _("Predict checked series as one heart")
        problem = "" if running or several else _("Load and check two or more series, each with masks of all frames.")
        PanelWidgets.enable(button, problem, _("Predict them as slices of one heart"))

    def onAddButton(self) -> None:
        title = _("Masks of several series, one file per series")
        self.addFiles(FileDialogs.openFiles(title, MaskLoader.FILTER))

    def addFiles(self, paths: list[Path]) -> None:
        """Load masks from files; each is listed with the cine on the same grid, or alone."""
        self._showMessage("")
        for path in paths:
            try:
                MaskLoader.load(path)
            except InputError as error:
                self._showMessage(str(error))

    def onPredictButton(self) -> None:
        if self._job is not None:
            self.cancel(_("Cancelled. The scene is unchanged."))
            return
        self._showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(
                _("The prediction could not be started."), show=False, waitCursor=True
            ):
                request = SeriesRequest(tuple(self._requestOf(*pair) for pair in self._checked()))
                self._job = self._logic.startPrediction(
                    request, self.onProgress, lambda result: self.onResult(result, request), self.onError
                )
        except (InputError, OSError) as error:
            self._showMessage(str(error))
        self._updateButton()

    def _requestOf(self, browser: Any, masks: Any) -> Any:
        p = self._parameters
        shared = ("rvInsertion", "model", "device", "samples", "seed", "useDiffusion")
        parameters = SimpleNamespace(cine=browser, masks=masks, myocardium="", level="automatic")
        parameters.__dict__.update({name: getattr(p, name) for name in shared})
        return RequestReader(parameters).read()

    def cancel(self, reason: str = "") -> None:
        """Cancel the running prediction, if there is one."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._showMessage(reason)
            self._updateButton()

    def onProgress(self, progress: WorkerProgress) -> None:
        self._showMessage(f"{progress.stage} · {progress.message} · {100 * progress.fraction:.0f} %")

    def onError(self, text: str) -> None:
        self._job = None
        self._showMessage(text)
        self._updateButton()

    def onResult(self, result: Any, request: SeriesRequest) -> None:
        self._job = None
        self._showMessage("")
        try:
            with slicer.util.RenderBlocker():
                node = self.show(result, request)
        except ValueError as error:
            self._showMessage(_("The result could not be shown: {error}.").format(error=error))
            return
        self._parameters.resultBrowser = node.browsers()[0]
        self._updateButton()

    def show(self, result: Any, request: SeriesRequest) -> ResultNode:
        """Add each series' part of the result to its own cine.

        Raises:
            ValueError: a slice of the result belongs to none of the series.
        """
        browsers: list[Any] = [None] * len(result.slices)
        for part in request.parts:
            own = [k for k, slice_ in enumerate(result.slices) if self._contains(part, slice_.grid.ijk_to_lps)]
            if not own:
                continue
            if result.frames == len(part.masks.labels):
                browser = ResultScene.create(ResultStack.of(result, own), part).browserNode
            else:  # resampled to other phases than those of its images: shown without them
                summary = {**result.summary, "slices": [result.summary["slices"][k] for k in own]}
                ownResult = replace(result, slices=tuple(result.slices[k] for k in own), summary=summary)
                browser = ResultImport.show(ownResult, part.name).browsers()[0]
            for k in own:
                browsers[k] = browser
        if None in browsers:
            raise ValueError(_("a slice of it belongs to none of the series"))
        node = ResultNode.create(ResultNumbers.ofResult(result), browsers, request.name)
        ResultContours.keep(node, list(request.parts))
        ResultProvenance(node).keep()
        return node

    @staticmethod
    def _contains(part: Any, affine: Any) -> bool:
        try:
            part.masks.geometry.sliceIndexOf(affine)
        except ValueError:
            return False
        return True
