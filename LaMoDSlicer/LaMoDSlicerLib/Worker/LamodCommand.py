from collections.abc import Callable

from slicer.i18n import tr as _

from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class LamodCommand:
    """One `lamod` command in its own process, ended with Slicer; the scene stays alive meanwhile.

    Args:
        onProgress: called whenever it said something.
        onDone: called with its plain lines when it ended well.
        onFailure: called with a sentence when it did not.
    """

    def __init__(
        self,
        onProgress: Callable[[WorkerProgress], None],
        onDone: Callable[[list[str]], None],
        onFailure: Callable[[str], None],
    ) -> None:
        self.progress = WorkerProgress()
        self._onProgress, self._onDone, self._onFailure = onProgress, onDone, onFailure
        self._worker = WorkerProcess(self._onLine, self._onFinished)
        self._wellEnded: tuple[int, ...] = (0,)

    def start(self, arguments: list[str], wellEnded: tuple[int, ...] = (0,), tellsProgress: bool = True) -> None:
        """Start it and return at once.

        Args:
            arguments: behind `lamod`.
            wellEnded: exit codes that are no failure.
            tellsProgress: whether the verb has the option --progress.

        Raises:
            OSError: the process cannot be started.
        """
        self._wellEnded = wellEnded
        told = ["--progress", "json"] if tellsProgress else []
        command = [CoreLibrary.python(), "-m", "LaMoDCore", *arguments, *told]
        self._worker.start(command, CoreLibrary.environment())

    def cancel(self) -> None:
        """End it at once; neither `onDone` nor `onFailure` is called."""
        self._worker.cancel()

    def _onLine(self, line: str) -> None:
        self.progress.read(line)
        self._onProgress(self.progress)

    def _onFinished(self, exitCode: int) -> None:
        words = self.progress.lastWords().removeprefix("lamod: ")
        if exitCode in self._wellEnded:
            self._onDone([line for line in self.progress.log if line.strip() and not line.startswith("{")])
        elif exitCode < 0:
            self._onFailure(_("It was ended from outside (signal {signal}).").format(signal=-exitCode))
        else:
            self._onFailure(words or _("It failed and said nothing (exit code {code}).").format(code=exitCode))
