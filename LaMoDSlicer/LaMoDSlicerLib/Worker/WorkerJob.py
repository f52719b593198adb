import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import slicer

from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary
from LaMoDSlicerLib.Worker.WorkerProcess import WorkerProcess
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress


class WorkerJob:
    """A `lamod` command in its own process, with a temporary folder for what it reads and writes.

    Subclasses say which command it is, and what its end means.

    Args:
        prefix: of the folder's name.
        onProgress: called whenever the worker said something.
        onFailure: called with a sentence for the person, once the folder is gone.
    """

    #: Exit code of the command: the input's fault.
    INPUT_FAULT = 1

    def __init__(
        self, prefix: str, onProgress: Callable[[WorkerProgress], None], onFailure: Callable[[str], None]
    ) -> None:
        self._onProgress, self._onFailure = onProgress, onFailure
        self.progress = WorkerProgress()
        self.folder = Path(tempfile.mkdtemp(prefix=prefix, dir=slicer.app.temporaryPath))
        self._worker = WorkerProcess(self._onLine, self._onFinished)

    @property
    def processId(self) -> int | None:
        return self._worker.processId

    def start(self) -> None:
        """Write the inputs and start the worker.

        Raises:
            OSError: disk or program.
        """
        try:
            self._worker.start(self._commandLine(), CoreLibrary.environment())
        except OSError:
            self.removeFolder()
            raise

    def cancel(self) -> None:
        """End the worker and its children; nothing is called any more."""
        self._worker.cancel()
        self.removeFolder()

    def removeFolder(self) -> None:
        """Throw away what was written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _commandLine(self) -> list[str]:
        """Write the inputs into the folder; the command that reads them."""
        raise NotImplementedError

    def _onFinished(self, exitCode: int) -> None:
        raise NotImplementedError

    def _onLine(self, line: str) -> None:
        self.progress.read(line)
        self._onProgress(self.progress)

    def _fail(self, text: str) -> None:
        self.removeFolder()
        self._onFailure(text)
