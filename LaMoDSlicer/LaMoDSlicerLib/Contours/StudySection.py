from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.ContourStudy import SUCCESS_CODES, ContourStudy, StudyPage, explainExit
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionOptions
from LaMoDSlicerLib.Widgets import PanelWidgets, TableCopy
from LaMoDSlicerLib.Widgets.FigureWindow import FigureWindow
from LaMoDSlicerLib.Widgets.FittedPicture import FittedPicture
from LaMoDSlicerLib.Worker import Dependencies
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class StudySection:
    """Measures the effect of one-pixel contour shifts on strain, and the difference between two readers.

    Args:
        ui: the panel's widgets by name.
        panel: the ContoursPanel.
    """

    MARK = (255, 226, 150)

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._study: WorkerProcess | None = None
        self._shown: WorkerProcess | None = None
        self._pages: list[StudyPage] = []
        self.window = FigureWindow()
        self._otherIds: list[str] = []
        self._picture = FittedPicture()
        ui.studyButton.layout().addWidget(self._picture)
        ui.studyTable.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        ui.studyTable.verticalHeader().hide()
        TableCopy.enable(ui.studyTable)
        ui.costButton.connect("clicked(bool)", self.onCostButton)
        ui.readersButton.connect("clicked(bool)", self.onReadersButton)
        ui.studyCancelButton.connect("clicked(bool)", self.onCancelButton)
        ui.studyPageSelector.connect("activated(int)", self.onPageChosen)
        ui.largerButton.connect("clicked(bool)", self.onLargerButton)

    @property
    def study(self) -> WorkerProcess | None:
        """The running measurement, or None."""
        return self._study

    @property
    def picture(self) -> FittedPicture:
        """The figure of the page shown."""
        return self._picture

    @property
    def pages(self) -> list[StudyPage]:
        return self._pages

    def update(self) -> None:
        """Enable the controls and list the other masks in the scene."""
        ui, checked, running = self._ui, self._panel.report is not None, self._study is not None
        chosen = self._panel.parameters.masks if self._panel.parameters is not None else None
        others = [node for node in MaskSource.candidates() if node is not chosen] if checked else []
        ids = [node.GetID() for node in others]
        if ids != self._otherIds:
            self._otherIds = ids
            ui.secondReaderSelector.clear()
            for node in others:
                ui.secondReaderSelector.addItem(node.GetName(), node.GetID())
        problem = self._panel.checkProblem() or (_("A measurement is running.") if running else "")
        tip = _("Predict with contours shifted by one pixel inwards and outwards: the change of each segment's Ecc")
        PanelWidgets.enable(ui.costButton, problem, tip)
        problem = problem or ("" if ids else _("Load the second reader's masks of the same cine first."))
        tip = _("Dice and contour distances per frame, and the difference in strain")
        PanelWidgets.enable(ui.readersButton, problem, tip)
        ui.secondReaderSelector.enabled = bool(ids)
        idle = "" if running else _("No measurement is running.")
        PanelWidgets.enable(ui.studyCancelButton, idle, _("Cancel the measurement"))
        ui.studyProgressBar.visible = running
        for widget in (ui.studyPageSelector, ui.studyTable, self._picture, ui.largerButton):
            widget.visible = bool(self._pages)

    def forget(self) -> None:
        """Cancel the measurement and discard its results because other masks were selected."""
        self.cancel()
        if self._shown is not None:
            self._shown.removeFolder()
        self.window.close()
        self._shown, self._pages = None, []

    def onCostButton(self) -> None:
        self._start(None)

    def onReadersButton(self) -> None:
        node = slicer.mrmlScene.GetNodeByID(self._otherIds[self._ui.secondReaderSelector.currentIndex])
        self._start(node)

    def _start(self, second: Any) -> None:
        try:
            with slicer.util.tryWithErrorDisplay(
                _("The measurement could not be started."), show=False, waitCursor=True
            ):
                Dependencies.ensure()
                contours = self._panel.readContours()
                other = ContourSlices(self._panel.parameters, second) if second is not None else None
                study = ContourStudy(contours, other, PredictionOptions.ofParameters(self._panel.parameters))
                self._study = self._run(study)
        except (InputError, OSError) as error:
            self._panel.showNotice(str(error))
            return
        self._ui.studyProgressBar.value = 0
        self._panel.showNotice(_("Predicting …"))
        self.update()

    def _run(self, study: ContourStudy) -> WorkerProcess:
        def readPages(_lines: list[str]) -> None:
            try:
                pages = study.pages(worker.folder)
            except (OSError, KeyError, ValueError) as error:
                worker.fail(_("The result contains no readable table ({error}).").format(error=error))
                return
            worker.keepFolder()  # the pictures are shown from there
            self.onPages(pages)

        worker = WorkerProcess(
            self.onProgress,
            readPages,
            self.onError,
            SUCCESS_CODES,
            lambda code, output: explainExit(code, output, worker.folder),
        )
        try:
            worker.start(study.commandLine(worker.folder))
        except BaseException:
            worker.removeFolder()
            raise
        return worker

    def onCancelButton(self) -> None:
        self.cancel()
        self._panel.showNotice(_("Cancelled."))
        self.update()

    def cancel(self) -> None:
        """Cancel the running measurement, if there is one."""
        if self._study is not None:
            self._study.cancel()
            self._study = None

    def onProgress(self, progress: WorkerProgress) -> None:
        self._ui.studyProgressBar.value = int(100 * progress.fraction)
        left = progress.secondsLeft()
        parts = [progress.message or progress.stage or _("Predicting …")]
        parts += [_("about {seconds:.0f} s left").format(seconds=left)] if left is not None else []
        self._panel.showNotice(" · ".join(parts))

    def onPages(self, pages: list[StudyPage]) -> None:
        if self._shown is not None:
            self._shown.removeFolder()
        self._shown, self._study, self._pages = self._study, None, pages
        selector = self._ui.studyPageSelector
        selector.clear()
        for page in pages:
            selector.addItem(page.title)
        self.update()
        self.onPageChosen(0)
        self._panel.showNotice(self._summary(pages[0]))

    def onError(self, text: str) -> None:
        self._study = None
        self._panel.showNotice(text)
        self.update()

    @staticmethod
    def _summary(page: StudyPage) -> str:
        end = page.columns.index(_("Segment")) + 1
        marked = ", ".join(" ".join(page.rows[i][:end]) for i in sorted(page.marked))
        return f"{page.title}: " + (_("fragile: {segments}").format(segments=marked) if marked else _("see the table."))

    def onPageChosen(self, index: int) -> None:
        if not 0 <= index < len(self._pages):
            return
        page, table = self._pages[index], self._ui.studyTable
        table.clear()
        table.setRowCount(len(page.rows))
        table.setColumnCount(len(page.columns))
        table.setHorizontalHeaderLabels(list(page.columns))
        for r, row in enumerate(page.rows):
            for c, text in enumerate(row):
                item = qt.QTableWidgetItem(text)
                if r in page.marked:
                    item.setBackground(qt.QBrush(qt.QColor(*self.MARK)))
                    item.setForeground(qt.QBrush(qt.QColor(20, 20, 20)))
                table.setItem(r, c, item)
        table.resizeColumnsToContents()
        table.resizeRowsToContents()
        self._picture.showPicture(qt.QPixmap(str(page.picture)))

    def onLargerButton(self) -> None:
        """Show the figure at its original size."""
        index = self._ui.studyPageSelector.currentIndex
        if 0 <= index < len(self._pages):
            self.window.show(self._pages[index].picture)
