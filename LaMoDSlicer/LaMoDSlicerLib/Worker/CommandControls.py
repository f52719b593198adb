from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Worker import CoreLibrary
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class CommandControls:
    """Progress bar, Cancel button and message of the one `lamod` command that a section of the panel may run.

    Args:
        bar: the QProgressBar, shown while a command runs.
        cancelButton: cancels the command.
        showMessage: called with a sentence for the user.
        onChanged: called when a command starts or ends.
    """

    def __init__(
        self, bar: Any, cancelButton: Any, showMessage: Callable[[str], None], onChanged: Callable[[], None]
    ) -> None:
        self._bar, self._button = bar, cancelButton
        self._showMessage, self._onChanged = showMessage, onChanged
        self._worker: WorkerProcess | None = None
        self._isBusy = False
        cancelButton.connect("clicked(bool)", self.cancel)

    @property
    def isBusy(self) -> bool:
        """Whether a command is running."""
        return self._isBusy

    @property
    def folder(self) -> Path:
        """The temporary folder of the last command; it is removed after `onFinished`."""
        return self._worker.folder

    def run(
        self,
        arguments: list[str] | Callable[[Path], list[str]],
        onFinished: Callable[[list[str]], None],
        successCodes: tuple[int, ...] = (0,),
    ) -> None:
        """Start a command, unless one is running.

        Args:
            arguments: of `lamod`, or a function that returns them for the temporary folder.
            onFinished: called with the output lines after a successful exit.
            successCodes: exit codes of a successful run.
        """
        if self._isBusy:
            self._showMessage(_("Another command is running."))
            return
        self._showMessage("")
        worker = self._worker = WorkerProcess(
            self._onProgress, lambda lines: self._end(lambda: onFinished(lines)), self._onError, successCodes
        )
        self._isBusy = True
        self._bar.value = 0
        try:
            worker.start(CoreLibrary.command(arguments(worker.folder) if callable(arguments) else arguments))
        except OSError as error:
            worker.fail(str(error))
        self.update()

    def cancel(self) -> None:
        """Cancel the running command, if there is one."""
        if self._isBusy:
            self._worker.cancel()
            self._onError(_("Cancelled; nothing was written."))

    def update(self) -> None:
        """Show the bar and the button while a command runs."""
        for widget in (self._bar, self._button):
            widget.visible = self.isBusy
        self._onChanged()

    def _onProgress(self, progress: WorkerProgress) -> None:
        self._bar.value = int(100 * progress.fraction)
        if progress.message:
            self._showMessage(progress.message)

    def _onError(self, text: str) -> None:
        self._end(lambda: self._showMessage(text))

    def _end(self, report: Callable[[], None]) -> None:
        self._isBusy = False
        self._showMessage("")
        try:
            report()
        finally:
            self.update()
