from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskLoader import MaskLoader
from LaMoDSlicerLib.Inputs.RequestReader import RequestReader
from LaMoDSlicerLib.Inputs.SeriesPairs import SeriesPairs
from LaMoDSlicerLib.Inputs.SeriesRequest import SeriesRequest
from LaMoDSlicerLib.Reading.ReadingBuilder import ReadingBuilder
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Results.ResultImport import ResultImport
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Results.ResultStacks import ResultStacks
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class SeriesPanel:
    """Several series of one heart in one go: lists each cine with its masks, and masks from files; predicts those that
    are ticked.

    Args:
        ui: the reading panel's widgets by name.
        logic: predicts.
        showMessage: called with a sentence for the person.
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
        """The prediction that is under way, or None."""
        return self._job

    def setParameters(self, parameters: Any) -> None:
        if parameters is None:
            self.cancel()
        self._parameters = parameters

    def update(self) -> None:
        """List the scene's series."""
        pairs = SeriesPairs.ofScene() if self._parameters is not None else []
        self._ui.addSeriesButton.enabled = self._parameters is not None
        if pairs != self._pairs:
            self._pairs = pairs
            self._ui.seriesList.clear()
            for browser, masks in pairs:
                cine = browser.GetName() if browser is not None else _("masks alone")
                item = qt.QListWidgetItem(f"{cine}  ·  {masks.GetName()}")
                item.setCheckState(qt.Qt.Checked)
                self._ui.seriesList.addItem(item)
        self._updateButton()

    def _ticked(self) -> list[tuple[Any, Any]]:
        items = [self._ui.seriesList.item(i) for i in range(self._ui.seriesList.count)]
        return [pair for pair, item in zip(self._pairs, items, strict=True) if item.checkState() == qt.Qt.Checked]

    def _updateButton(self) -> None:
        running = self._job is not None
        several = len(self._ticked()) > 1 if len(self._pairs) == self._ui.seriesList.count else False
        button = self._ui.predictSeriesButton
        button.text = _("Cancel") if running else _("Predict the ticked series as one heart")
        button.enabled = running or several
        button.toolTip = "" if button.enabled else _("Load two series or more, each with masks of every frame.")

    def onAddButton(self) -> None:
        title = _("Masks of several series, a file a series")
        paths = qt.QFileDialog.getOpenFileNames(slicer.util.mainWindow(), title, "", MaskLoader.FILTER)
        self.addFiles([Path(path) for path in paths])

    def addFiles(self, paths: list[Path]) -> None:
        """Read masks from files; each is listed with the cine on whose pixels it lies, or alone."""
        self._showMessage("")
        for path in paths:
            try:
                MaskLoader.load(path)
            except InputError as error:
                self._showMessage(str(error))

    def onPredictButton(self) -> None:
        if self._job is not None:
            self.cancel(_("Cancelled. The scene is as it was."))
            return
        self._showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(
                _("The prediction could not be started."), show=False, waitCursor=True
            ):
                request = SeriesRequest(tuple(self._requestOf(*pair) for pair in self._ticked()))
                self._job = self._logic.startPrediction(
                    request, self.onProgress, lambda result: self.onResult(result, request), self.onFailure
                )
        except (InputError, OSError) as error:
            self._showMessage(str(error))
        self._updateButton()

    def _requestOf(self, browser: Any, masks: Any) -> Any:
        p = self._parameters
        same = ("rvInsertion", "model", "device", "samples", "seed", "useDiffusion")
        wished = SimpleNamespace(cine=browser, masks=masks, myocardium="", level="automatic")
        wished.__dict__.update({name: getattr(p, name) for name in same})
        return RequestReader(wished).read()

    def cancel(self, reason: str = "") -> None:
        """End what is under way, if anything."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self._showMessage(reason)
            self._updateButton()

    def onProgress(self, progress: WorkerProgress) -> None:
        self._showMessage(f"{progress.stage} · {progress.message} · {100 * progress.fraction:.0f} %")

    def onFailure(self, text: str) -> None:
        self._job = None
        self._showMessage(text)
        self._updateButton()

    def onResult(self, result: ResultFiles, request: SeriesRequest) -> None:
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

    def show(self, result: ResultFiles, request: SeriesRequest) -> ReadingNode:
        """Put each series' part of the result on its own cine.

        Raises:
            ValueError: a slice of the result lies in none of the series.
        """
        reading = ReadingBuilder(result).build()
        browsers: list[Any] = [None] * len(reading.slices)
        stacks = ResultStacks(result)
        for part in request.parts:
            mine = [k for k, affine in enumerate(result.ijkToLps) if self._holds(part, affine)]
            if not mine:
                continue
            if result.numberOfFrames == len(part.masks.labels):
                browser = ResultScene.create(stacks.part(mine), part).browserNode
            else:  # put on other phases than its own pictures have: shown without them
                own = replace(reading, slices=tuple(reading.slices[k] for k in mine))
                browser = ResultImport.show(stacks.part(mine), own, part.name).browsers()[0]
            for k in mine:
                browsers[k] = browser
        if None in browsers:
            raise ValueError(_("a slice of it lies in none of the series"))
        node = ReadingNode.create(reading, browsers, request.name)
        ResultProvenance(node).keep()
        return node

    @staticmethod
    def _holds(part: Any, affine: Any) -> bool:
        try:
            part.masks.geometry.sliceIndexOf(affine)
        except ValueError:
            return False
        return True
