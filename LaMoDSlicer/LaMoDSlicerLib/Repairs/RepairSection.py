import enum
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSaver import ContourSaver
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter
from LaMoDSlicerLib.Inputs.CarriedRecord import CarriedRecord
from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Repairs.FillingJob import FillingJob
from LaMoDSlicerLib.Repairs.RepairJob import RepairJob
from LaMoDSlicerLib.Widgets import FileDialogs, Numbering, PanelWidgets


class ContourFix(enum.Enum):
    """The repairs that one click applies; the values are LaMoDCore's names of the fixes."""

    ISLANDS = "islands"
    HOLES = "holes"
    SMOOTH = "smooth"
    MISSING = "missing"

    def label(self) -> str:
        """Text in the selector."""
        return {
            ContourFix.ISLANDS: _("Remove islands"),
            ContourFix.HOLES: _("Fill holes"),
            ContourFix.SMOOTH: _("Smooth in space and time"),
            ContourFix.MISSING: _("Fill missing frames"),
        }[self]

    def apply(self, slice_: Any, keep: tuple[int, ...]) -> Any:
        """The repaired LaMoDCore CineSlice.

        Args:
            slice_: as drawn.
            keep: frames that smoothing leaves unchanged: end-diastole and end-systole.
        """
        from LaMoDCore.contours.repair import apply_fixes

        return apply_fixes(slice_, (self.value,), keep)


class RepairSection:
    """Repairs contours and carries them to empty frames, one undoable step per click; saves them to a new file.

    Args:
        ui: the panel's widgets by name.
        panel: the ContoursPanel.
    """

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._writer = ContourWriter()
        self._job: RepairJob | FillingJob | None = None
        for fix in ContourFix:
            ui.fixSelector.addItem(fix.label(), fix.value)
        ui.fixButton.connect("clicked(bool)", self.onFixButton)
        ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        ui.carryButton.connect("clicked(bool)", self.onCarryButton)
        ui.saveContoursButton.connect("clicked(bool)", self.onSaveButton)
        ui.repairCancelButton.connect("clicked(bool)", self.onCancelButton)

    @property
    def job(self) -> RepairJob | FillingJob | None:
        """The running repair, or None."""
        return self._job

    @property
    def holdsWork(self) -> bool:
        """Whether a repair is running, or a step can be undone."""
        return self._job is not None or bool(self._writer.lastStep)

    def update(self) -> None:
        """Enable the buttons; the tooltip of a disabled button says why."""
        ui, problem = self._ui, self._panel.checkProblem()
        tip = _("Apply the selected repair to all frames; Undo reverts it")
        PanelWidgets.enable(ui.fixButton, problem, tip)
        tip = _("Carry the drawn contours to the frames without contours with the cine; carried frames are marked")
        PanelWidgets.enable(ui.carryButton, problem or self._carryProblem(), tip)
        tip = _("Write the contours to a new file in the source file's format")
        PanelWidgets.enable(ui.saveContoursButton, problem, tip)
        undo = "" if self._job is not None else self._writer.lastStep
        tip = _("Undo: {step}").format(step=undo)
        PanelWidgets.enable(ui.undoButton, "" if undo else _("There is no change to undo."), tip)
        for widget in (ui.repairProgressBar, ui.repairCancelButton):
            widget.visible = self._job is not None

    def _carryProblem(self) -> str:
        """Why contours cannot be carried; empty if they can."""
        check = self._panel.check
        if all(all(row) for row in check.isDrawn):
            return _("Every frame has contours.")
        if not check.contours.hasCine:
            return _("Select the cine of these masks first: its images show how the wall moves.")
        for k, row in enumerate(check.isDrawn):
            lights = check.report.lights(k)
            open_ = [t for t, drawn in enumerate(row) if drawn and lights[t].value == "repair"]
            if not all(row) and open_:
                text = _("Repair {slice}, {frames} first: its contour would be carried to the others.")
                return text.format(slice=check.report.slice_names[k], frames=Numbering.frames(open_))
        return ""

    def forget(self) -> None:
        """Cancel a running repair and discard the undo steps because other masks were selected."""
        self.cancel()
        self._writer.forget()

    def cancel(self) -> None:
        """Cancel the running repair, if there is one; the contours do not change."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def onCancelButton(self) -> None:
        self.cancel()
        self._panel.update()
        self._panel.showNotice(_("Cancelled. The contours are unchanged."))

    def onFixButton(self) -> None:
        from LaMoDCore.contours.repair import end_frames

        fix = ContourFix(self._ui.fixSelector.itemData(self._ui.fixSelector.currentIndex))
        contours = self._panel.contours
        if fix is ContourFix.MISSING:
            self._fill(fix.label())
            return
        keep = end_frames(contours.slices(), contours.referenceFrame())
        self._start(fix.label(), lambda slice_: fix.apply(slice_, keep))

    def onCarryButton(self) -> None:
        """Carry the drawn contours to frames without contours, using the cine."""
        from LaMoDCore.heart.cycle.carrying import carry_contours

        self._start(_("Carry contours"), lambda slice_: carry_contours(slice_).slice, self._keepCarried)

    @staticmethod
    def _keepCarried(contours: ContourSlices, repaired: list[Any]) -> None:
        """Record which frames were carried: those that were empty."""
        carried: dict[int, dict[int, np.ndarray]] = {}
        for k, slice_ in enumerate(repaired):
            masks = {t: mask for t, mask in enumerate(slice_.myocardium) if not contours.myocardium(k, t).any()}
            carried[contours.depths[k]] = {t: mask for t, mask in masks.items() if mask.any()}
        CarriedRecord(contours.holder()).keep({depth: masks for depth, masks in carried.items() if masks})

    def _fill(self, name: str) -> None:
        """Fill empty frames between drawn ones, in a process of its own."""
        if not FillingJob.hasWork(self._panel.contours.slices()):
            self._panel.showNotice(_("{name}: nothing to change.").format(name=name))
            return

        def makeJob(contours: ContourSlices, onDone: Callable[[list[Any]], None]) -> FillingJob:
            return FillingJob(contours, onDone, self._onError)

        self._run(name, makeJob)
        if self._job is not None:
            self._panel.showNotice(_("{name} …").format(name=name))

    def _start(
        self,
        name: str,
        repair: Callable[[Any], Any],
        beforeWriting: Callable[[ContourSlices, list[Any]], None] = lambda _contours, _repaired: None,
    ) -> None:
        """Repair all slices as one step.

        Args:
            name: of the step.
            repair: returns the repaired slice.
            beforeWriting: called with the contours and the repaired slices before these are written.
        """

        def makeJob(contours: ContourSlices, onDone: Callable[[list[Any]], None]) -> RepairJob:
            return RepairJob(contours.slices(), repair, lambda done: self._onStep(name, done), onDone, self._onError)

        self._run(name, makeJob, beforeWriting)

    def _run(
        self,
        name: str,
        makeJob: Callable[[ContourSlices, Callable[[list[Any]], None]], RepairJob | FillingJob],
        beforeWriting: Callable[[ContourSlices, list[Any]], None] = lambda _contours, _repaired: None,
    ) -> None:
        """Start a job and write its result to the masks as one step.

        Args:
            name: of the step.
            makeJob: returns the job from the contours and the function to call with the repaired slices.
            beforeWriting: see `_start`.
        """
        if self._job is not None:
            return
        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be repaired."), show=False, waitCursor=True):
                contours = self._panel.readContours()
                before = ContourFingerprint.of(contours.masksNode)
                self._job = makeJob(
                    contours, lambda repaired: self._onDone(name, contours, before, repaired, beforeWriting)
                )
                self._job.start()
        except (InputError, OSError) as error:
            self._onError(str(error))
            return
        if self._job is not None:
            self._ui.repairProgressBar.maximum = 100 if self._job.isMeasured else 0  # 0: a moving bar
            self._ui.repairProgressBar.value = 0
            self._panel.update()

    def _onStep(self, name: str, done: int) -> None:
        if isinstance(self._job, RepairJob):
            self._ui.repairProgressBar.value = int(100 * done / max(self._job.count, 1))
            self._panel.showNotice(_("{name}: {done} slices done …").format(name=name, done=done))

    def _onError(self, text: str) -> None:
        self._job = None
        self._panel.update()
        self._panel.showNotice(text)

    def _onDone(
        self,
        name: str,
        contours: ContourSlices,
        before: ContourFingerprint,
        repaired: list[Any],
        beforeWriting: Callable[[ContourSlices, list[Any]], None],
    ) -> None:
        self._job = None
        if contours.masksNode.GetScene() is None:
            return
        if ContourFingerprint.of(contours.masksNode, before.geometry).differences(before):
            self._panel.update()
            self._panel.showNotice(_("{name}: the contours changed meanwhile. Try again.").format(name=name))
            return
        beforeWriting(contours, repaired)
        changed = self._writer.write(name, contours, repaired)
        if not changed:
            self._panel.update()
            self._panel.showNotice(_("{name}: nothing to change.").format(name=name))
            return
        ContourOriginRecord(contours.masksNode).withdraw(changed)
        old = contours.frames.labels == MaskFrames.MYOCARDIUM
        self._panel.contoursChanged(_("before “{step}”").format(step=name), old, changed)
        text = _("{name}: changed {frames}. The original is kept; Undo reverts the change.")
        self._panel.showNotice(text.format(name=name, frames=Numbering.frames(changed)))

    def onUndoButton(self) -> None:
        old = self._panel.contours.frames.labels == MaskFrames.MYOCARDIUM if self._panel.contours is not None else None
        frames, step = self._writer.lastFrames, self._writer.undo()
        if step:
            ContourOriginRecord(self._panel.parameters.masks).withdraw(frames)
            self._panel.contoursChanged(_("before Undo"), old, frames)
            self._panel.showNotice(_("Undone: {step}.").format(step=step))
        self._panel.update()

    def onSaveButton(self) -> None:
        saver = ContourSaver(self._panel.readContours())
        proposal = saver.proposal()
        filters = _("Format of the source file (*{suffix});;Sequence (*.seq.nrrd)").format(
            suffix="".join(proposal.suffixes[-2:]) if proposal.suffixes else ""
        )
        source = saver.source()
        isFolder = source is not None and source.is_dir()
        known = () if isFolder else (saver.suffixOf(proposal) or saver.SEQUENCE, *saver.SUFFIXES)
        path = FileDialogs.saveFile(_("Save contours"), str(proposal), filters, known)
        if path is not None:
            self.save(path)

    def save(self, path: Path) -> None:
        """Write the contours to a new file; an error is shown in the panel."""
        try:
            self._panel.showNotice(ContourSaver(self._panel.readContours()).save(path))
        except InputError as error:
            self._panel.showNotice(str(error))
