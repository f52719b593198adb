from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.LongAxis import LongAxisKeeper, LongAxisReport
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.LongAxis.LongAxisRoom import LongAxisRoom
from LaMoDSlicerLib.Reading import ReadingLayout
from LaMoDSlicerLib.Reading.ReadingSheet import ReadingSheet
from LaMoDSlicerLib.Reading.ReadingViews import ReadingViews
from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison
from LaMoDSlicerLib.Reading.SegmentOutlines import SegmentOutlines
from LaMoDSlicerLib.Results import LongAxisPage, ResultContours, ResultImport, ResultKeeper
from LaMoDSlicerLib.Results.DicomExport import DicomExport
from LaMoDSlicerLib.Results.MovieExport import MovieExport
from LaMoDSlicerLib.Results.PageExport import PageExport
from LaMoDSlicerLib.Results.ResultExport import ResultExport, identityOf
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Scene import EnteredViews
from LaMoDSlicerLib.Scene.ViewState import ViewState
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets
from LaMoDSlicerLib.Widgets.WindowKeys import WindowKeys
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.SlicedWork import SlicedWork


class ReadingPanel:
    """The Reading room section: opens the reading room, compares with a second result and exports.

    Args:
        owner: the module's widget, which provides resources, layout and logic.
    """

    #: Time after which the views of a new layout have their size.
    FIT_MS = 200

    def __init__(self, owner: Any) -> None:
        self.widget = slicer.util.loadUI(owner.resourcePath("UI/ReadingPanel.ui"))
        owner.ui.readingPlace.layout().addWidget(self.widget)
        self._ui = slicer.util.childWidgetVariables(self.widget)
        self._uiFile = owner.resourcePath("UI/ReadingSheet.ui")
        self._parameters: Any = None
        self._sheet: ReadingSheet | None = None
        self._owner = owner
        self._views = ReadingViews(owner.displayPanel.views)
        self._before = ViewState()
        self._outlines = SegmentOutlines()
        self._keys: WindowKeys | None = None
        self._movie: MovieExport | None = None
        self._page: SlicedWork | None = None
        self._shown: tuple[Any, ...] = ()
        self._room: LongAxisRoom | None = None
        self._shownTab = False  # whether the tab of long-axis views is shown
        ui = self._ui
        exports = (ui.tablesButton, ui.reportButton, ui.pageButton, ui.dicomButton, ui.movieButton)
        needResult = (ui.roomButton, *exports)
        self._tips = [(button, button.toolTip) for button in needResult]
        ui.roomButton.connect("toggled(bool)", self.onRoomButton)
        ui.secondSelector.connect("activated(int)", self.onSecondChosen)
        ui.loadSecondButton.connect("clicked(bool)", self.onLoadSecondButton)
        ui.tablesButton.connect("clicked(bool)", self.onTablesButton)
        ui.reportButton.connect("clicked(bool)", self.onReportButton)
        ui.pageButton.connect("clicked(bool)", self.onPageButton)
        ui.dicomButton.connect("clicked(bool)", self.onDicomButton)
        ui.movieButton.connect("clicked(bool)", self.onMovieButton)
        ui.addCheckBox.connect("toggled(bool)", self.onAddToggled)
        self._fit = qt.QTimer()
        self._fit.setSingleShot(True)
        self._fit.setInterval(self.FIT_MS)
        self._fit.connect("timeout()", self._fitLegends)
        self._isReleased = False

    @property
    def ui(self) -> Any:
        """The panel's widgets by name."""
        return self._ui

    @property
    def sheet(self) -> ReadingSheet:
        """The sheet of numbers; created when the reading room is first opened."""
        if self._sheet is None:
            self._sheet = ReadingSheet(self._uiFile, self._onSlice, self._onSegment, self.showMessage)
            ReadingLayout.setSheet(self._sheet.widget)
            self._sheet.ui.tabs.connect("currentChanged(int)", lambda _index: self._onTab())
            self._keys = self._makeKeys(self._sheet)
        return self._sheet

    @property
    def room(self) -> LongAxisRoom:
        """The long-axis views of the reading room."""
        if self._room is None:
            self._room = LongAxisRoom(self._owner.sections)
        return self._room

    def longAxis(self) -> LongAxisNode | None:
        """The long-axis result that was measured without a prediction, or None."""
        return LongAxisNode.ofResult(None) if self._parameters is not None and self.current() is None else None

    def _makeKeys(self, sheet: ReadingSheet) -> WindowKeys:
        """The keys, and the menu that lists them and runs the same actions."""
        frames = sheet.frames
        listed = (
            ("Left", "←", _("Previous frame"), lambda: frames.step(-1)),
            ("Right", "→", _("Next frame"), lambda: frames.step(1)),
            ("Up", "↑", _("Previous slice, towards the base"), lambda: sheet.stepSlice(-1)),
            ("Down", "↓", _("Next slice, towards the apex"), lambda: sheet.stepSlice(1)),
            ("D", "D", _("End-diastole"), frames.goToEndDiastole),
            ("S", "S", _("End-systole"), frames.goToEndSystole),
            ("Space", _("Space"), _("Play in real time, or pause"), frames.togglePlay),
        )
        menu = qt.QMenu(sheet.ui.keysButton)
        for _key, name, text, action in listed:
            entry = qt.QAction(f"{text}\t{name}", menu)
            entry.connect("triggered()", action)
            menu.addAction(entry)
        entry = qt.QAction(_("Highlight segment 1 to 6, or none") + "\t1 … 6, 0", menu)
        entry.setEnabled(False)
        menu.addAction(entry)
        sheet.ui.keysButton.setMenu(menu)
        segments = {str(n): self._segmentChooser(sheet, n - 1) for n in range(1, 7)}
        segments["0"] = self._segmentChooser(sheet, None)
        return WindowKeys(sheet.widget, {key: action for key, _name, _text, action in listed} | segments)

    @staticmethod
    def _segmentChooser(sheet: ReadingSheet, segment: int | None) -> Any:
        return lambda: sheet.chooseSegment(segment)

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        if parameters is None:
            self._cancelPage()
            self.showMessage("")
            self._shown = ()
            self._stop()
            self._views.release()
            self._before.forget()
            if self._room is not None:
                self._room.close()
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
        alone = self.longAxis()
        if alone is not None:
            missing = _("Long-axis strain alone: save the page or the PDF report, or copy tables in the reading room.")
        for button, tip in self._tips:
            isOffered = button in (ui.roomButton, ui.reportButton, ui.pageButton) and alone is not None
            PanelWidgets.enable(button, "" if isOffered else missing, tip)
        if node is not None and not ui.roomButton.checked:
            PanelWidgets.enable(ui.movieButton, _("Open the reading room first: the movie shows its views."), "")
        ui.loadSecondButton.enabled = self._parameters is not None
        added = self._parameters is not None and bool(self._parameters.parameterNode.GetAttribute(ResultKeeper.ADD))
        ui.addCheckBox.blockSignals(True)
        ui.addCheckBox.checked = added
        ui.addCheckBox.blockSignals(False)
        self._listSeconds(node)
        second = self.second()
        shown = (
            node.node.GetID() if node is not None else "",
            node.node.GetText() if node is not None else "",
            second.node.GetID() if second is not None else "",
            node is not None and ResultContours.isOutOfDate(node),
            second is not None and ResultContours.isOutOfDate(second),
            (alone.node.GetID(), LongAxisKeeper.isOutOfDate(alone)) if alone is not None else (),
        )
        if ui.roomButton.checked and shown != self._shown:
            if alone is not None:
                self._showAlone(alone)
            else:
                self._show(node, second)
        self._shown = shown if ui.roomButton.checked else ()
        self._enableKeys()

    def updateDisplay(self) -> None:
        """Redraw what depends on the settings of the Display section: their ranges are those of the pictures."""
        if self._sheet is not None and self._ui.roomButton.checked:
            self._sheet.redraw()
        if self._room is not None and self._ui.roomButton.checked:
            self._room.redraw()

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
            if self._sheet is not None:
                self._sheet.ui.tabs.currentIndex = 0  # the bullseye, not the tab of an earlier heart
        else:
            self._stop()
            self._views.release()
            if self._room is not None:
                self._room.close()
            ReadingLayout.close()
            self._before.restore()
            EnteredViews.follow(self._owner, self._parameters)
            self._owner.onModified()  # the Display section sets the overlays of all views
        self._ui.roomButton.text = _("Close reading room") if opened else _("Open reading room")
        self._enableKeys()

    def leave(self) -> None:
        """Another module is shown: its keys are its own, and nothing plays."""
        if self._keys is not None:
            self._keys.setActive(False)
        self._stop(withOutlines=False)

    def _enableKeys(self) -> None:
        if self._keys is not None:
            self._keys.setActive(bool(self._ui.roomButton.checked and self._owner.parent.isEntered))

    def _stop(self, withOutlines: bool = True) -> None:
        """Stop playing and filming; remove the outlines of the selected segment."""
        if self._movie is not None:
            self._movie.cancel()
        if self._sheet is not None:
            self._sheet.frames.player.stop()
        if self._room is not None:
            self._room.stop()
        if withOutlines:
            self._outlines.hide()

    def _canDraw(self) -> bool:
        """Install the package that draws the pictures; without it, the reading room stays closed."""
        try:
            Dependencies.ensureOnly(Dependencies.FOR_PICTURES)
        except InputError as error:
            self.showMessage(str(error))
            self._ui.roomButton.checked = False
            return False
        return True

    def _showAlone(self, node: LongAxisNode) -> None:
        """Show long-axis views without short-axis slices."""
        try:
            with slicer.util.tryWithErrorDisplay(_("The result cannot be read."), show=False, waitCursor=True):
                self._before.take()
                self.room.show(node)
        except (ValueError, KeyError) as error:
            self.showMessage(_("The result cannot be read: {error}.").format(error=error))

    def _showLongAxisTab(self, node: ResultNode, sheet: ReadingSheet) -> None:
        """Add the tab of long-axis views to the sheet, or remove that of another result."""
        found = LongAxisNode.ofResult(node.node)
        if found is not None:
            sheet.showTab(self.room.fillTab(found, self._views.giveYellow), _("Long axis"))
        elif self._room is not None:
            sheet.removeTab(self._room.tab.widget)

    def _onTab(self) -> None:
        """Show the images of a long-axis view while its tab is shown."""
        node = self.current()
        if self._room is None or node is None or not self._ui.roomButton.checked:
            return
        found = LongAxisNode.ofResult(node.node)
        tabs = self._sheet.ui.tabs
        isLong = found is not None and tabs.currentIndex == tabs.indexOf(self._room.tab.widget)
        if self._shownTab != isLong:
            self._shownTab = isLong
            self._layOut(node)
            self._room.enterTab(isLong)

    def _layOut(self, node: ResultNode) -> None:
        """Show the views that the results and the tab need."""
        second = self.second()
        comparison = None
        if second is not None:
            names = map(ResultContours.titleOf, (node, second))
            comparison = ResultComparison(node.numbers(), second.numbers(), *names)
        needed = self._views.layoutFor(node, second, comparison)
        ReadingLayout.open(ReadingLayout.TWO if self._shownTab and second is None else needed)
        self.sheet.attach(hasLegend=ReadingLayout.hasWideCurves())
        self._onSlice(self.sheet.slice.number - 1)

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
                    comparison = ResultComparison(
                        numbers, second.numbers(), *map(ResultContours.titleOf, (node, second))
                    )
                sheet = self.sheet
                self._before.take()
                self._shownTab = False
                ReadingLayout.setSheet(sheet.widget)
                ReadingLayout.open(self._views.layoutFor(node, second, comparison))
                self._views.setResults(node, second, comparison, self._parameters)
                sheet.setResult(node, comparison)
                self._showLongAxisTab(node, sheet)
                sheet.attach(hasLegend=ReadingLayout.hasWideCurves())
                self._fit.start()
        except (ValueError, KeyError) as error:
            self.showMessage(_("The result cannot be read: {error}.").format(error=error))

    def _fitLegends(self) -> None:
        """Fit the legends to the views, which get their size in a new layout later."""
        if self._parameters is not None and self._ui.roomButton.checked:
            self._owner.displayPanel.updateDisplay()

    def _onSlice(self, index: int) -> None:
        self._views.showSlice(index)
        if self._shownTab:
            self._room.enterTab(True)

    def _onSegment(self, index: int, segment: int | None) -> None:
        """Outline a segment of a slice, and the same wall of the second result."""
        node, second = self.current(), self.second()
        if node is None or segment is None or not self._ui.roomButton.checked:
            self._outlines.hide()
            return
        partner = self._partnerOf(node, second, index) if second is not None else None
        self._outlines.show(node, index, segment, second, partner)

    @staticmethod
    def _partnerOf(node: ResultNode, second: ResultNode, index: int) -> int | None:
        return ResultComparison(node.numbers(), second.numbers(), node.name, second.name).partnerOf(index)

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
        names = ResultExport.TABLES
        if folder is not None and FileDialogs.mayReplace([folder / n for n in names], _("Tables")):
            self.export(lambda export: export.tables(folder))

    def onReportButton(self) -> None:
        path = FileDialogs.saveFile(_("Report"), "strain.pdf", "PDF (*.pdf)", (".pdf",))
        alone = self.longAxis()
        if path is not None and alone is not None:
            identity = identityOf(alone.volumes()) if self._ui.identityCheckBox.checked else {}
            self._write(lambda: LongAxisReport.write(alone, path, identity))
        elif path is not None:
            self.export(lambda export: export.report(path))

    def onPageButton(self) -> None:
        """Install what the page needs, ask for a file, and write it in the background; or cancel."""
        if self._cancelPage():
            self.showMessage(_("The page was cancelled."))
            return
        try:
            Dependencies.ensureOnly(PageExport.PACKAGES)
        except InputError as error:
            self.showMessage(str(error))
            return
        path = FileDialogs.saveFile(_("Page"), "strain.html", _("Web page (*.html)"), (".html",))
        if path is not None and (self.current() is not None or self.longAxis() is not None):
            self.savePage(path)

    def savePage(self, path: Path) -> None:
        """Write the page of the current result, or of long-axis views alone, in small steps."""
        alone, isNamed = self.longAxis(), self._ui.identityCheckBox.checked
        if alone is not None:
            steps = LongAxisPage.steps(alone, path, identityOf(alone.volumes()) if isNamed else {})
        else:
            steps = ResultExport(self.current(), isNamed).page(path)
        self.showMessage(_("Writing the page…"))
        self._ui.pageButton.text = _("Cancel page")
        self._page = SlicedWork(steps, self._onPageWritten, self._onPageFailed)
        self._page.start()

    def _onPageWritten(self, files: list[Path]) -> None:
        self._endPage()
        self.showMessage(self._written(files))

    def _onPageFailed(self, error: Exception) -> None:
        self._endPage()
        if isinstance(error, InputError):
            self.showMessage(str(error))
            return
        reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
        self.showMessage(_("The page could not be written: {error}.").format(error=reason))
        if not isinstance(error, OSError):
            raise error

    def _endPage(self) -> None:
        self._page = None
        self._ui.pageButton.text = _("Save page…")

    def _cancelPage(self) -> bool:
        """Stop writing a page; returns whether one was being written."""
        work = self._page
        if work is None:
            return False
        self._endPage()
        work.cancel()
        return True

    def onDicomButton(self) -> None:
        """Install what the export needs, ask for the folder, and write the files."""
        try:
            Dependencies.ensureOnly(DicomExport.PACKAGES)
        except InputError as error:
            self.showMessage(str(error))
            return
        node, folder = self.current(), FileDialogs.chooseFolder(_("Folder for the DICOM files"))
        if node is None or folder is None:
            return
        if FileDialogs.mayReplace([folder / name for name in DicomExport(node, {}).names()], _("DICOM files")):
            self.export(lambda export: export.dicom(folder))

    def onMovieButton(self) -> None:
        """Ask for a file and film the views of the reading room, or cancel."""
        if self._movie is not None:
            self._movie.cancel()
            self.showMessage(_("The movie was cancelled."))
            return
        filters = _("Animated GIF (*.gif);;PNG pictures (*.png)")
        path = FileDialogs.saveFile(_("Movie"), "strain.gif", filters, (".gif", ".png"))
        if path is not None:
            self.film(path)

    def film(self, path: Path) -> None:
        """Film the slice that is shown: .gif, or one .png per frame. A movie that is being filmed is cancelled."""
        node, slice_ = self.current(), self.sheet.slice
        if node is None or slice_ is None or not self._ui.roomButton.checked:
            return
        files = MovieExport.filesOf(path, len(slice_.timesMs))
        if len(files) > 1 and not FileDialogs.mayReplace(files, _("Movie")):
            return
        self._stop(withOutlines=False)
        browser = node.browsers()[slice_.number - 1]
        captions = [
            _("{slice} · frame {frame} of {count} · {time:.0f} ms · LaMoD, research use only").format(
                slice=slice_.label, frame=frame, count=len(slice_.timesMs), time=time
            )
            for frame, time in enumerate(slice_.timesMs, 1)
        ]
        self._movie = MovieExport(ReadingLayout.filmedViews(), browser, slice_.timesMs, slice_.rrMs, captions)
        self.showMessage("")
        self._movie.start(path, self._onFilmed, self._onFilmEnd)

    def _onFilmed(self, done: int, count: int) -> None:
        self._ui.movieButton.text = _("Cancel movie")
        self.showMessage(_("Filming: frame {done} of {count}").format(done=done, count=count))

    def _onFilmEnd(self, files: list[Path], error: str) -> None:
        self._movie = None
        self._ui.movieButton.text = _("Movie…")
        self.showMessage("")
        if error:
            self.showMessage(_("The movie could not be written: {error}.").format(error=error))
        elif files:
            self.showMessage(self._written(files))

    def export(self, write: Any) -> None:
        """Export something of the result and show the names of the files, or the error.

        Args:
            write: called with a ResultExport; returns the paths.
        """
        node = self.current()
        if node is not None:
            self._write(lambda: write(ResultExport(node, self._ui.identityCheckBox.checked)))

    def _write(self, write: Any) -> None:
        """Write files and show their names, or the error.

        Args:
            write: returns the paths.
        """
        self.showMessage("")
        try:
            with slicer.util.tryWithErrorDisplay(_("The export failed."), show=False, waitCursor=True):
                written = write()
        except (InputError, OSError) as error:
            self.showMessage(str(error))
            return
        self.showMessage(self._written(written))

    @staticmethod
    def _written(files: list[Path]) -> str:
        names = [path.name for path in files]
        shown = names if len(names) < 6 else [names[0], "…", names[-1]]
        return _("Written: {files}").format(files=", ".join(shown))

    def cleanup(self) -> None:
        """Release everything when the module is unloaded."""
        self._fit.stop()
        if self._isReleased:
            return  # Slicer unloads a module that was reloaded twice
        self._isReleased = True
        self._fit.disconnect("timeout()", self._fitLegends)
        self.setParameters(None)
        if self._keys is not None:
            self._keys.release()
            self._keys = None
