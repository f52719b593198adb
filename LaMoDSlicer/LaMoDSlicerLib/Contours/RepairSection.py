import enum
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourSaver import ContourSaver
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets import FileDialogs, PanelWidgets


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

    CARRIED = "LaMoD.Carried"

    def __init__(self, ui: Any, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._writer = ContourWriter()
        for fix in ContourFix:
            ui.fixSelector.addItem(fix.label(), fix.value)
        ui.fixButton.connect("clicked(bool)", self.onFixButton)
        ui.undoButton.connect("clicked(bool)", self.onUndoButton)
        ui.carryButton.connect("clicked(bool)", self.onCarryButton)
        ui.saveContoursButton.connect("clicked(bool)", self.onSaveButton)

    def update(self) -> None:
        """Enable the buttons; the tooltip of a disabled button says why."""
        ui = self._ui
        tips = {
            ui.fixButton: _("Apply the selected repair to all frames; Undo reverts it"),
            ui.carryButton: _("Propagate the drawn contours with the cine; propagated frames are marked"),
            ui.saveContoursButton: _("Write the contours to a new file in the source file's format"),
        }
        for button, tip in tips.items():
            PanelWidgets.enable(button, self._panel.checkProblem(), tip)
        undo = self._writer.lastStep
        PanelWidgets.enable(
            ui.undoButton, "" if undo else _("There is no change to undo."), _("Undo: {step}").format(step=undo)
        )

    def forget(self) -> None:
        """Discard the undo steps because other masks were selected."""
        self._writer.forget()

    @classmethod
    def carriedFrames(cls, holder: Any) -> dict[str, list[int]]:
        """The frames whose contours were carried, by slice name.

        Args:
            holder: the masks' sequence, or the masks if there is no sequence.
        """
        from LaMoDCore.runtime.json_file import parse_json

        try:
            frames = parse_json(holder.GetAttribute(cls.CARRIED) or "{}")
        except ValueError:
            return {}
        return frames if isinstance(frames, dict) else {}

    def onFixButton(self) -> None:
        from LaMoDCore.contours.repair import end_frames

        fix = ContourFix(self._ui.fixSelector.itemData(self._ui.fixSelector.currentIndex))
        contours = self._panel.contours
        keep = end_frames(contours.slices(), contours.referenceFrame())
        self._change(fix.label(), lambda slice_: fix.apply(slice_, keep))

    def onCarryButton(self) -> None:
        """Carry the drawn contours to frames without contours, using the cine."""
        from LaMoDCore.heart.cycle.carrying import carry_contours

        carriedFrames: dict[str, list[int]] = {}

        def carry(slice_: Any) -> Any:
            result = carry_contours(slice_, on_progress=lambda _share: _drawOnly())
            carriedFrames[slice_.name] = [int(t) for t in np.flatnonzero(~result.drawn)]
            return result.slice

        if self._change(_("Carry contours"), carry):
            holder = self._panel.holder()
            frames = {**self.carriedFrames(holder), **carriedFrames}
            holder.SetAttribute(self.CARRIED, json.dumps(frames, sort_keys=True))
            self._panel.showLights()

    def _change(self, name: str, repair: Callable[[Any], Any]) -> bool:
        """Repair all slices as one step, check them again and report; returns whether anything changed."""
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be repaired."), show=False, waitCursor=True):
                contours = ContourSlices(self._panel.parameters)
                changed = self._writer.write(name, contours, [repair(s) for s in contours.slices()])
                ContourOriginRecord(contours.masksNode).withdraw(changed)
                self._panel.check()
                self._panel.contoursChanged()
        except (InputError, LaMoDInputError) as error:
            self._panel.showMessage(str(error))
            return False
        self._panel.update()
        if changed:
            frames = ", ".join(str(t + 1) for t in changed[:8]) + (" …" if len(changed) > 8 else "")
            text = _("{name}: changed frame {frames}. The original is kept; Undo reverts the change.")
            self._panel.showMessage(text.format(name=name, frames=frames))
        else:
            self._panel.showMessage(_("{name}: nothing to change.").format(name=name))
        return bool(changed)

    def onUndoButton(self) -> None:
        frames, step = self._writer.lastFrames, self._writer.undo()
        if step:
            ContourOriginRecord(self._panel.parameters.masks).withdraw(frames)
            self._panel.check()
            self._panel.contoursChanged()
            self._panel.showMessage(_("Undone: {step}.").format(step=step))
        self._panel.update()

    def onSaveButton(self) -> None:
        saver = ContourSaver(ContourSlices(self._panel.parameters))
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
            self._panel.showMessage(ContourSaver(ContourSlices(self._panel.parameters)).save(path))
        except InputError as error:
            self._panel.showMessage(str(error))


def _drawOnly() -> None:
    """Draw the windows; a click would act on contours that are being changed, for example close the scene."""
    slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)
