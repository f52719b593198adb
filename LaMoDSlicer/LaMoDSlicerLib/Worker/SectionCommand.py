from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Worker.LamodCommand import LamodCommand
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class SectionCommand:
    """The one command that a section of the panel may have under way: its bar, its button, its words.

    Args:
        bar: the QProgressBar, shown while something is under way.
        cancelButton: ends it.
        showMessage: called with a sentence for the person.
        onChanged: called when something began or ended.
    """

    def __init__(
        self, bar: Any, cancelButton: Any, showMessage: Callable[[str], None], onChanged: Callable[[], None]
    ) -> None:
        self._bar, self._button = bar, cancelButton
        self._showMessage, self._onChanged = showMessage, onChanged
        self._command: LamodCommand | None = None
        self._afterwards: Callable[[], None] = lambda: None
        cancelButton.connect("clicked(bool)", self.cancel)

    @property
    def isBusy(self) -> bool:
        return self._command is not None

    def run(
        self,
        words: list[str],
        onDone: Callable[[list[str]], None],
        afterwards: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        """Start `lamod` with these words.

        Args:
            words: behind `lamod`.
            onDone: called with its plain lines when it ended well.
            afterwards: called last, however it ended.
            options: as of `LamodCommand.start`.
        """
        self._showMessage("")
        self._afterwards = afterwards
        self._command = LamodCommand(self._onProgress, lambda lines: self._end(lambda: onDone(lines)), self._fail)
        self._bar.value = 0
        try:
            self._command.start(words, **options)
        except OSError as error:
            self._fail(str(error))
        self.update()

    def cancel(self) -> None:
        """End what is under way, if anything."""
        if self._command is not None:
            self._command.cancel()
            self._fail(_("Cancelled; nothing was written."))

    def update(self) -> None:
        """Show the bar while there is something to show."""
        for widget in (self._bar, self._button):
            widget.visible = self.isBusy
        self._onChanged()

    def _onProgress(self, progress: WorkerProgress) -> None:
        self._bar.value = int(100 * progress.fraction)
        if progress.message:
            self._showMessage(progress.message)

    def _fail(self, text: str) -> None:
        self._end(lambda: self._showMessage(text))

    def _end(self, then: Callable[[], None]) -> None:
        self._command = None
        self._showMessage("")
        try:
            then()
        finally:
            self._afterwards()
            self.update()
