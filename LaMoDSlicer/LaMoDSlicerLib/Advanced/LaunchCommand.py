from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets import PanelWidgets


class LaunchCommand:
    """Shows the command line of the run, to start it in a terminal, on several GPUs, or on a cluster.

    Args:
        ui: the train section's widgets by name.
        launch: returns the run as it would be started now (a LaMoDCore `Launch`), or raises InputError.
        onCopy: called before the command is copied; writes the files that the command needs, or raises InputError.
        showMessage: called with a sentence for the user.
    """

    def __init__(
        self, ui: Any, launch: Callable[[], Any], onCopy: Callable[[], None], showMessage: Callable[[str], None]
    ) -> None:
        self._ui, self._launch, self._onCopy, self._showMessage = ui, launch, onCopy, showMessage
        for text, kind in ((_("This computer"), "local"), ("torchrun", "torchrun"), ("SLURM", "slurm")):
            ui.commandSelector.addItem(text, kind)
        ui.commandSelector.connect("activated(int)", lambda _index: self.update())
        ui.processesSpinBox.connect("valueChanged(int)", lambda _count: self.update())
        ui.machinesSpinBox.connect("valueChanged(int)", lambda _count: self.update())
        ui.copyCommandButton.connect("clicked(bool)", self.onCopyCommandButton)

    def update(self) -> None:
        """Show the command, or which input is missing."""
        ui = self._ui
        kind = ui.commandSelector.itemData(ui.commandSelector.currentIndex)
        for box in (ui.processesSpinBox, ui.machinesSpinBox):
            box.visible = kind != "local"
        try:
            text, problem = self._text(kind), ""
        except InputError as error:
            text = problem = str(error)
        if ui.commandEdit.plainText != text:
            ui.commandEdit.setPlainText(text)
        PanelWidgets.enable(ui.copyCommandButton, problem, _("Copy the command to the clipboard"))

    def _text(self, kind: str) -> str:
        launch = self._launch()
        from LaMoDCore.training.run import launch_commands

        counts = int(self._ui.processesSpinBox.value), int(self._ui.machinesSpinBox.value)
        if kind == "torchrun":
            return launch_commands.torchrun_command(launch, *counts)
        if kind == "slurm":
            return launch_commands.slurm_script(launch, *counts)
        return launch_commands.command_line(launch_commands.local_command(launch))

    def onCopyCommandButton(self) -> None:
        try:
            self._onCopy()
        except (InputError, OSError) as error:
            self._showMessage(str(error))
            return
        qt.QApplication.clipboard().setText(self._ui.commandEdit.plainText)
        self._showMessage(_("Copied."))
