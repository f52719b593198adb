from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart import HeartFiles, HeartRows, Reviews, SeriesFacts, SeriesFinder
from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Heart.HeartTable import HeartTable
from LaMoDSlicerLib.Heart.SomeSkipped import SomeSkipped
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.LongAxis import LongAxisRows, LongAxisSlices
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets


class HeartPanel:
    """The Heart section: the table of slices, files to add, RV insertion, and what had to be assumed.

    Args:
        owner: the module's widget: its widgets by name, and its update of all panels.
        model: the heart.
        showMessage: called with a sentence for the user.
        onChanged: called when other series are in the table than before.
        onSelected: called with the selected SliceRow.
    """

    FILTER = (
        "Images, masks and contours (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm *.txt *.mrk.json);;All files (*)"
    )
    #: Time without changes after which contours are checked for the column of frames to review, and between slices.
    REVIEW_DELAY_MS, REVIEW_STEP_MS = 400, 20

    def __init__(
        self,
        owner: Any,
        model: HeartModel,
        showMessage: Callable[[str], None],
        onChanged: Callable[[], None],
        onSelected: Callable[[Any], None],
    ) -> None:
        self._ui = ui = owner.ui
        self._model, self._showMessage, self._onChanged = model, showMessage, onChanged
        self._selected = onSelected
        self._refreshAll, self._isIdle = owner.update, lambda: owner.predictPanel.job is None
        self._parameters: Any = None
        self._listed: list[Any] = []
        self._reviewed: set[Any] = set()
        self._table = HeartTable(ui.heartTable, self.onSelected, self.onUse, self.onLevel)
        self._menu = self._addMenu()
        ui.addButton.setMenu(self._menu)
        ui.swapButton.connect("clicked(bool)", self.onSwapButton)
        ui.removeButton.connect("clicked(bool)", self.onRemoveButton)
        ui.rvPlaceWidget.buttonsVisible = False
        ui.rvPlaceWidget.placeButton().show()
        ui.rvPlaceWidget.deleteAllControlPointsOptionVisible = False
        ui.rvPlaceWidget.placeMultipleMarkups = slicer.qSlicerMarkupsPlaceWidget.ForcePlaceSingleMarkup
        ui.rvInsertionSelector.connect("nodeAddedByUser(vtkMRMLNode*)", self.onRvInsertionAdded)
        self._review = qt.QTimer()
        self._review.setSingleShot(True)
        self._review.connect("timeout()", self._reviewNext)
        self._isReleased = False
        #: Called when the contours of a series have been checked for the table.
        self.onReviewed: Callable[[], None] = lambda: None

    def _addMenu(self) -> Any:
        menu = qt.QMenu(self._ui.addButton)
        for text, slot in (
            (_("Files…"), self.onAddFiles),
            (_("Folder (DICOM, or one file per frame)…"), self.onAddFolder),
        ):
            action = qt.QAction(text, menu)
            action.connect("triggered()", slot)
            menu.addAction(action)
        return menu

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self._review.stop()
        self._model.setParameters(parameters)
        self._listed, self._reviewed = [], set()
        if parameters is None:
            self._table.show([], -1)

    def refresh(self) -> None:
        """Follow the scene and the parameters; called before all panels are updated."""
        changed = self._model.refresh()
        series = [(one.cine, one.masks) for one in self._model.series]
        cines = [cine for cine, _masks in series]
        before, self._listed = self._listed, series  # first: `_onChanged` may update all panels
        if cines != [cine for cine, _masks in before] or len(series) != len(before):
            self._onChanged()
        if changed:
            self._review.start(self.REVIEW_DELAY_MS)

    def update(self) -> None:
        """Show the heart."""
        ui, model, p = self._ui, self._model, self._parameters
        rows = model.rows
        self._table.show(rows, model.selectedRow())
        ui.addButton.enabled = p is not None
        single = "" if sum(not row.isLongAxis for row in rows) > 1 else _("There are not several slices.")
        tip = _("Exchange base and apex: the order of the slices is reversed")
        if rows and not HeartRows.isOrderKnown(rows):
            tip = _("The images do not state which end is the apex. ") + tip
        PanelWidgets.enable(ui.swapButton, single, tip)
        current = model.selectedSeries()
        nothing = "" if current is not None else _("Select a slice first.")
        PanelWidgets.enable(
            ui.removeButton, nothing, _("Remove this series from the table; its data stay in the scene")
        )
        ui.structuresLabel.text = self._selectedText(current)
        ui.structuresLabel.visible = bool(ui.structuresLabel.text)
        self._showAssumed()

    def _selectedText(self, current: Any) -> str:
        """Why the selected slice is not used, its R–R interval and structures."""
        index = self._model.selectedRow()
        row = self._model.rows[index] if index >= 0 else None
        parts = []
        if row is not None and row.problem:
            parts.append(_("Cannot be used: {reason}").format(reason=row.problem))
        elif row is not None and row.remark and not row.isUsed:
            parts.append(_("Not used: {reason}").format(reason=row.remark))
        if row is not None and row.rrMs:
            parts.append(_("R–R {rr:.0f} ms").format(rr=row.rrMs))
        if row is not None and row.isLongAxis:
            parts.append(LongAxisRows.selectedText(row))
        elif current is not None and current.masks is not None:
            parts.append(MaskSource(current.masks).structuresText())
        return " · ".join(filter(None, parts))

    def _showAssumed(self) -> None:
        """Show the end-diastolic frame, and the field for the R–R interval if the data contain no times."""
        ui, p = self._ui, self._parameters
        used = [*self._model.usedRows, *self._model.longAxisRows]
        isUntimed = bool(used) and all(row.rrMs is None for row in used)
        wanted = isUntimed or (p is not None and bool(p.rrMs))
        for widget in (ui.assumedLabel, ui.rrLabel, ui.rrSpinBox):
            widget.visible = wanted
        for widget in (ui.referenceLabel, ui.referenceSpinBox):
            widget.visible = any(not row.isLongAxis for row in self._model.rows)

    def _reviewNext(self) -> None:
        """Check one slice whose contours are not checked yet; none while a process runs."""
        if self._parameters is None:
            return
        if not self._isIdle():
            self._review.start(self.REVIEW_DELAY_MS)
            return
        for series in LongAxisSlices.split(self._model.series)[0]:
            state = (id(series), SeriesFacts.stateOf(series))
            if series.masks is None or state in self._reviewed:
                continue
            if Reviews.step(series):
                self._reviewed.add(state)
                self._table.show(self._model.rows, self._model.selectedRow())
                self.onReviewed()
            self._review.start(self.REVIEW_STEP_MS)
            return

    def onSelected(self, index: int) -> None:
        """Show the selected slice and make its series the current one."""
        row = self._model.rows[index]
        self._model.select(index)
        self._refreshAll()
        self._selected(row)

    def onUse(self, index: int, used: bool) -> None:
        self._model.setUse(index, used)
        self._refreshAll()

    def onLevel(self, index: int, level: str) -> None:
        self._model.setLevel(index, level)
        self._refreshAll()

    def onSwapButton(self) -> None:
        self._model.swap()
        self._refreshAll()

    def onRemoveButton(self) -> None:
        current = self._model.selectedSeries()
        if current is not None:
            self._model.remove(current)
            self._refreshAll()

    def onAddFiles(self) -> None:
        self.addPaths(FileDialogs.openFiles(_("Add cines or masks"), self.FILTER))

    def onAddFolder(self) -> None:
        folder = FileDialogs.chooseFolder(_("Add a folder with DICOM files, or with one file per frame"))
        if folder is not None:
            self.addPaths([folder])

    def addPaths(self, paths: list[Path]) -> None:
        """Add the cines and masks of files and folders; what cannot be used is named in the panel."""
        problems = []
        with slicer.util.tryWithErrorDisplay(_("The files could not be added."), show=False, waitCursor=True):
            for path in paths:
                try:
                    self._use(HeartFiles.add(path, self._model.welcome))
                except SomeSkipped as error:
                    problems.append(str(error))
                    self._use(error.masks)
                except InputError as error:
                    problems.append(str(error))
        self._refreshAll()
        if problems:
            more = _(" ({count} more)").format(count=len(problems) - 1) if len(problems) > 1 else ""
            self._showMessage(problems[0] + more)
            PanelWidgets.scrollTo(self._ui.messageLabel)

    def _use(self, masks: list[Any]) -> None:
        """Use masks that a person added for the cine that they fit, instead of earlier ones."""
        for node in masks:
            self.refresh()
            fitting = [s for s in self._model.series if s.cine is not None and SeriesFinder.fit(s.cine, node)]
            best = max(fitting, key=lambda s: SeriesFinder.fit(s.cine, node), default=None)
            current = self._model.current()
            if best is None and current is not None and current.cine is not None and current.masks is None:
                isAcross = SeriesFinder.liesAcross(current.cine, node)
                hasFrames = _hasFrames(current.cine, SeriesFinder.frameCount(node))
                best = current if hasFrames and not isAcross else None
            if best is not None and best.masks is not node:
                self._model.setMasks(best, node)

    def onRvInsertionAdded(self, node: Any) -> None:
        """Start placing a new point list: the next click in a slice view places the point."""
        node.SetName(slicer.mrmlScene.GenerateUniqueName("RV insertion"))
        node.CreateDefaultDisplayNodes()
        node.SetControlPointLabelFormat("RV")
        self._ui.rvPlaceWidget.setCurrentNode(node)
        self._ui.rvPlaceWidget.setPlaceModeEnabled(True)

    def cleanup(self) -> None:
        """Release the timer when the module is unloaded; Slicer unloads a module that was reloaded twice."""
        self._review.stop()
        if not self._isReleased:
            self._isReleased = True
            self._review.disconnect("timeout()", self._reviewNext)


def _hasFrames(cine: Any, count: int) -> bool:
    from LaMoDSlicerLib.Scene.CineSource import CineSource

    return CineSource(cine).numberOfFrames() == count
