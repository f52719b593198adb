from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Prediction.SeriesPanel import SeriesPanel
from LaMoDSlicerLib.Reading import ReadingLayout
from LaMoDSlicerLib.Reading.ReadingSheet import ReadingSheet
from LaMoDSlicerLib.Reading.ReadingViews import ReadingViews
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Results import ResultContours, ResultImport, ResultKeeper
from LaMoDSlicerLib.Results.ResultExport import ResultExport
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Worker import Dependencies


class ReadingPanel:
    """The Reading room section: opens the reading room, compares with a second result and exports.

    Args:
        owner: the module's widget, which provides resources, layout and logic.
    """

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/ReadingPanel.ui"))
        owner.layout.addWidget(self.widget)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._uiFile = owner.resourcePath("UI/ReadingSheet.ui")
        self._parameters: Any = None
        self._sheet: ReadingSheet | None = None
        self._views = ReadingViews()
        self._shown: tuple[Any, ...] = ()
        ui = self._ui
        needResult = (ui.roomButton, ui.tablesButton, ui.reportButton, ui.dicomButton)
        self._tips = [(button, button.toolTip) for button in needResult]
        self.series = SeriesPanel(ui, owner.logic, self.showMessage)
        ui.roomButton.connect("toggled(bool)", self.onRoomButton)
        ui.secondSelector.connect("activated(int)", self.onSecondChosen)
        ui.loadSecondButton.connect("clicked(bool)", self.onLoadSecondButton)
        ui.tablesButton.connect("clicked(bool)", self.onTablesButton)
        ui.reportButton.connect("clicked(bool)", self.onReportButton)
        ui.dicomButton.connect("clicked(bool)", self.onDicomButton)
        ui.addCheckBox.connect("toggled(bool)", self.onAddToggled)

    @property
    def ui(self) -> Any:
        """The panel's widgets by name."""
        return self._ui

    @property
    def sheet(self) -> ReadingSheet:
        """The sheet of numbers; created when the reading room is first opened."""
        if self._sheet is None:
            self._sheet = ReadingSheet(self._uiFile, self._onSlice)
            ReadingLayout.setSheet(self._sheet.widget)
        return self._sheet

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        self.series.setParameters(parameters)
        if parameters is None:
            self.showMessage("")
            self._shown = ()
            self._views.release()
            if self._sheet is not None:
                self._sheet.close()
        self.update()

    def showMessage(self, text: str) -> None:
        self._ui.readingMessage.text = text

    def current(self) -> ResultNode | None:
        """The current result, or None."""
        p = self._parameters
        return ResultNode.ofBrowser(p.resultBrowser) if p is not None else None

    def second(self) -> ResultNode | None:
        """The result to compare with, or None."""
        node = self.current()
        chosen = node.node.GetNodeReference("LaMoD.Second") if node is not None else None
        return ResultNode(chosen) if chosen is not None else None

    def update(self) -> None:
        """Update buttons, selector and views from the scene."""
        ui, node = self._ui, self.current()
        missing = "" if node is not None else _("There is no result yet: select masks and click Predict Strain.")
        for button, tip in self._tips:
            PanelWidgets.enable(button, missing, tip)
        ui.loadSecondButton.enabled = self._parameters is not None
        self._listSeconds(node)
        self.series.update()
        second = self.second()
        shown = (
            node.node.GetID() if node is not None else "",
            node.node.GetText() if node is not None else "",
            second.node.GetID() if second is not None else "",
            node is not None and ResultContours.isOutOfDate(node),
        )
        if ui.roomButton.checked and shown != self._shown:
            self._show(node, second)
        elif ui.roomButton.checked and node is not None:
            self._views.refresh()
        self._shown = shown if ui.roomButton.checked else ()

    def _listSeconds(self, node: ResultNode | None) -> None:
        selector = self._ui.secondSelector
        others = [other for other in ResultNode.all() if node is not None and other.node is not node.node]
        listed = [(other.node.GetID(), other.name) for other in others]
        if (
            not selector.count
            or [(selector.itemData(i), selector.itemText(i)) for i in range(1, selector.count)] != listed
        ):
            selector.clear()
            selector.addItem(_("None"), "")
            for nodeId, name in listed:
                selector.addItem(name, nodeId)
        second = self.second()
        selector.currentIndex = max(selector.findData(second.node.GetID() if second is not None else ""), 0)
        selector.enabled = bool(listed)

    def onRoomButton(self, opened: bool) -> None:
        if opened and not self._canDraw():
            return
        if opened:
            self._shown = ()
            self.update()
        else:
            self._views.release()
            ReadingLayout.close()
        self._ui.roomButton.text = _("Close reading room") if opened else _("Open reading room")

    def _canDraw(self) -> bool:
        """Install the package that draws the pictures; without it, the reading room stays closed."""
        try:
            Dependencies.ensureOnly(Dependencies.FOR_PICTURES)
        except InputError as error:
            self.showMessage(str(error))
            self._ui.roomButton.checked = False
            return False
        return True

    def _show(self, node: ResultNode | None, second: ResultNode | None) -> None:
        """Show one result or two in the reading room."""
        if node is None:
            self.sheet.setResult(None)
            self._ui.roomButton.checked = False
            return
        try:
            with slicer.util.tryWithErrorDisplay(_("The result cannot be read."), show=False, waitCursor=True):
                numbers = node.numbers()
                comparison = None
                if second is not None:
                    comparison = ResultComparison(numbers, second.numbers(), node.name, second.name)
                sheet = self.sheet
                ReadingLayout.open(self._views.layoutFor(node, second, comparison))
                self._views.setResults(node, second, comparison, self._parameters)
                sheet.setResult(node, comparison)
                sheet.attach()
        except (ValueError, KeyError) as error:
            self.showMessage(_("The result cannot be read: {error}.").format(error=error))

    def _onSlice(self, index: int) -> None:
        self._views.showSlice(index)

    def onSecondChosen(self, index: int) -> None:
        """Compare with the selected result and show the agreement."""
        node = self.current()
        if node is None:
            return
        node.node.SetNodeReferenceID("LaMoD.Second", self._ui.secondSelector.itemData(index) or None)
        self._ui.roomButton.checked = True
        self.update()
        if index > 0:
            tabs = self.sheet.ui.tabs
            tabs.setCurrentWidget(self.sheet.ui.agreementTab)

    def onLoadSecondButton(self) -> None:
        folder = FileDialogs.chooseFolder(_("Result, or case with known motion"))
        if folder is not None:
            self.loadSecond(folder)

    def loadSecond(self, folder: Path) -> None:
        """Load a result and compare with it; if there is no result yet, it becomes the current one."""
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The result could not be loaded."), show=False, waitCursor=True):
                loaded = ResultImport.load(folder)
        except InputError as error:
            self.showMessage(str(error))
            return
        if self.current() is None:
            self._parameters.resultBrowser = loaded.browsers()[0]
            self.update()
            return
        self.update()
        self.onSecondChosen(self._ui.secondSelector.findData(loaded.node.GetID()))

    def onAddToggled(self, added: bool) -> None:
        self._parameters.parameterNode.SetAttribute(ResultKeeper.ADD, "yes" if added else None)

    def onTablesButton(self) -> None:
        folder = FileDialogs.chooseFolder(_("Folder for the tables"))
        if folder is not None:
            self.export(lambda export: export.tables(folder))

    def onReportButton(self) -> None:
        path = FileDialogs.saveFile(_("Report"), "strain.pdf", "PDF (*.pdf)", (".pdf",))
        if path is not None:
            self.export(lambda export: export.report(path))

    def onDicomButton(self) -> None:
        folder = FileDialogs.chooseFolder(_("Folder for the DICOM files"))
        if folder is not None:
            self.export(lambda export: export.dicom(folder))

    def export(self, write: Any) -> None:
        """Export something of the result and show the names of the files, or the error.

        Args:
            write: called with a ResultExport; returns the paths.
        """
        node = self.current()
        if node is None:
            return
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The export failed."), show=False, waitCursor=True):
                written = write(ResultExport(node, self._ui.identityCheckBox.checked))
        except (InputError, OSError) as error:
            self.showMessage(str(error))
            return
        self.showMessage(_("Written: {files}").format(files=", ".join(path.name for path in written)))

    def cleanup(self) -> None:
        """Release everything when the module is unloaded."""
        self.setParameters(None)
