import json
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourFix import ContourFix
from LaMoDSlicerLib.Contours.ContourSaver import ContourSaver
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.ContourWriter import ContourWriter
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class MendingSection:
    """Contours fixed and carried, a click a step; undone; saved to a new file. Nothing without a click.

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
        """Enable what can be clicked."""
        checked = self._panel.contours is not None
        for button in (self._ui.fixButton, self._ui.carryButton, self._ui.saveContoursButton):
            button.enabled = checked
        undo = self._writer.lastStep
        self._ui.undoButton.enabled = bool(undo)
        self._ui.undoButton.toolTip = _("Take back: {step}").format(step=undo) if undo else _("Nothing was changed.")

    def forget(self) -> None:
        """Other masks were chosen."""
        self._writer.forget()

    @classmethod
    def carriedFrames(cls, holder: Any) -> dict[str, list[int]]:
        """By slice name, the frames that were carried and not drawn.

        Args:
            holder: the masks' sequence, or the masks themselves where there is none.
        """
        return json.loads(holder.GetAttribute(cls.CARRIED) or "{}")

    def onFixButton(self) -> None:
        CoreLibrary.makeImportable()
        from LaMoDCore.contours.repair import end_frames

        fix = ContourFix(self._ui.fixSelector.itemData(self._ui.fixSelector.currentIndex))
        contours = self._panel.contours
        keep = end_frames(contours.slices(), contours.referenceFrame())
        self._change(fix.label(), lambda slice_: fix.apply(slice_, keep))

    def onCarryButton(self) -> None:
        """Frames without a contour get one from those that have, by the cine."""
        CoreLibrary.makeImportable()
        from LaMoDCore.heart.cycle.carrying import carry_contours

        marked: dict[str, list[int]] = {}

        def carry(slice_: Any) -> Any:
            result = carry_contours(slice_, on_progress=lambda _share: slicer.app.processEvents())
            marked[slice_.name] = [int(t) for t in np.flatnonzero(~result.drawn)]
            return result.slice

        if self._change(_("Carry contours"), carry):
            holder = self._panel.holder()
            holder.SetAttribute(self.CARRIED, json.dumps({**self.carriedFrames(holder), **marked}, sort_keys=True))
            self._panel.showLights()

    def _change(self, name: str, mend: Any) -> bool:
        """Mend every slice as one step, and check again; says what became of it."""
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            with slicer.util.tryWithErrorDisplay(_("The contours could not be mended."), show=False, waitCursor=True):
                contours = ContourSlices(self._panel.parameters)
                changed = self._writer.write(name, contours, [mend(s) for s in contours.slices()])
                self._panel.check()
        except (InputError, LaMoDInputError) as error:
            self._panel.say(str(error))
            return False
        self._panel.update()
        if changed:
            frames = ", ".join(str(t + 1) for t in changed[:8]) + (" …" if len(changed) > 8 else "")
            text = _("{name}: changed frame {frames}. The original is kept; Undo takes it back.")
            self._panel.say(text.format(name=name, frames=frames))
        else:
            self._panel.say(_("{name}: there was nothing to change.").format(name=name))
        return bool(changed)

    def onUndoButton(self) -> None:
        step = self._writer.undo()
        if step:
            self._panel.check()
            self._panel.say(_("Taken back: {step}.").format(step=step))
        self._panel.update()

    def onSaveButton(self) -> None:
        saver = ContourSaver(ContourSlices(self._panel.parameters))
        proposal = saver.proposal()
        filters = _("Like the file they came from (*{suffix});;Sequence (*.seq.nrrd)").format(
            suffix="".join(proposal.suffixes[-2:]) if proposal.suffixes else ""
        )
        path = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), _("Save contours"), str(proposal), filters)
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Write the contours to a new file; what is wrong with it is said in the panel."""
        try:
            self._panel.say(ContourSaver(ContourSlices(self._panel.parameters)).save(path))
        except InputError as error:
            self._panel.say(str(error))
