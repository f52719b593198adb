import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Widgets.PanelWords import inPanel
from LaMoDSlicerLib.Worker import CoreLibrary, WarmWorker
from LaMoDSlicerLib.Worker.SlicedWork import SlicedWork, Steps
from LaMoDSlicerLib.Worker.WorkerProgress import WorkerProgress

IS_WINDOWS = os.name == "nt"
#: Flag of a process without a console window.
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def withoutFolder(text: str, folder: Path) -> str:
    """A message without the path of the temporary folder, which may be quoted with doubled backslashes."""
    path = str(folder)
    for written in (path.replace("\\", "\\\\"), path, path.replace("\\", "/")):
        for separator in ("\\\\", "\\", "/"):
            text = text.replace(written + separator, "")
    return text


def explainExit(exitCode: int, lastOutput: str) -> str:
    """A sentence about a command that failed: its last output, or how it ended."""
    if exitCode < 0:
        return _("The process was ended from outside (signal {signal}).").format(signal=-exitCode)
    return lastOutput or _("The process failed without a message (exit code {code}).").format(code=exitCode)


class WorkerProcess:
    """One child process in its own process group, at low priority; its output arrives in Qt's event loop.

    Slicer stays responsive meanwhile. The process ends with Slicer, unless it was started with a log file.

    Args:
        onProgress: called with the WorkerProgress after each line of stdout and stderr.
        onFinished: called once with the lines that do not report progress, after a successful exit; `folder` is removed
            afterwards, unless it called `keepFolder`.
        onError: called once with a sentence after any other exit; `folder` is removed before.
        successCodes: exit codes of a successful run.
        explain: makes the sentence from the exit code (negative: the signal) and the last line of output.
    """

    POLL_MS = 50
    #: Longest time that `cancel` waits for the process to end.
    PATIENCE_S = 5.0
    NICENESS = 10

    def __init__(
        self,
        onProgress: Callable[[WorkerProgress], None],
        onFinished: Callable[[list[str]], None],
        onError: Callable[[str], None],
        successCodes: tuple[int, ...] = (0,),
        explain: Callable[[int, str], str] = explainExit,
    ) -> None:
        self._onProgress, self._onFinished, self._onError = onProgress, onFinished, onError
        self._successCodes, self._explain = successCodes, explain
        self.progress = WorkerProgress()
        self._folder: Path | None = None
        self._process: subprocess.Popen | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._timer = qt.QTimer()
        self._timer.setInterval(self.POLL_MS)
        self._slot: Callable[[], None] | None = None
        self._isSwept = self._keepsFolder = False
        self._work: SlicedWork | None = None
        self._warmOptions: dict | None = None

    @property
    def processId(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def isRunning(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def folder(self) -> Path:
        """A temporary folder for inputs and results, created at first use and removed when the process has ended."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="LaMoD-", dir=slicer.app.temporaryPath))
        return self._folder

    def keepFolder(self) -> None:
        """Keep the folder after a success; the caller calls `removeFolder` later."""
        self._keepsFolder = True

    def continueWith(self, steps: Steps, onDone: Callable[[Any], None]) -> None:
        """Read the result in small steps; for `onFinished`. The folder is removed after the last step.

        Args:
            steps: the steps; an InputError is reported by `onError` with its own sentence.
            onDone: called with their result.
        """
        self._work = SlicedWork(steps, lambda value: self._end(lambda: onDone(value)), self._onWorkFailed)
        self._work.start()

    def _onWorkFailed(self, error: Exception) -> None:
        def report() -> None:
            if not isinstance(error, InputError):
                raise error
            self.fail(str(error))

        self._end(report)

    def removeFolder(self) -> None:
        """Delete the temporary folder, if there is one."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, command: list[str], log: Path | None = None) -> None:
        """Start the process and return at once.

        Args:
            command: program and arguments.
            log: file to which the output is appended. Such a process continues when Slicer quits.

        Raises:
            OSError: the program cannot be started, or the log cannot be written; the folder is removed.
        """
        try:
            self._process = self._popen(command, log)
        except OSError:
            self.removeFolder()
            raise
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, self.NICENESS)
        self._slot = self._poll
        self._timer.connect("timeout()", self._slot)
        self._timer.start()

    def _popen(self, command: list[str], log: Path | None) -> subprocess.Popen:
        options: dict = {"start_new_session": True}
        if IS_WINDOWS:
            detached = subprocess.DETACHED_PROCESS if log is not None else NO_WINDOW
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
            options = {"creationflags": flags | detached}
        options |= {"env": CoreLibrary.environment(), "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        if log is None:
            options |= {"text": True, "encoding": "utf-8", "errors": "replace", "stdout": subprocess.PIPE}
            process = WarmWorker.take(command, options) or subprocess.Popen(command, **options)
            self._warmOptions = options if WarmWorker.isPrediction(command) else None
            threading.Thread(target=self._readPipe, args=(process,), daemon=True).start()
            return process
        with log.open("ab") as output:
            start = output.tell()
            process = subprocess.Popen(command, stdout=output, **options)
        threading.Thread(target=self._readLog, args=(process, log, start), daemon=True).start()
        return process

    def cancel(self) -> None:
        """End the process and its children at once; neither `onFinished` nor `onError` is called."""
        process = self.release()
        if process is not None:
            self._killGroup(process)
            self._waitFor(process)
        if self._work is not None:
            self._work.cancel()
            self._work = None
        self._forgetReceivers()
        self.removeFolder()

    def _waitFor(self, process: subprocess.Popen) -> None:
        try:
            process.wait(self.PATIENCE_S)
        except subprocess.TimeoutExpired:  # taskkill is missing or was refused
            process.kill()

    def release(self) -> subprocess.Popen | None:
        """Stop following the process without ending it; returns it."""
        self._timer.stop()
        if self._slot is not None:  # the timer would keep this object alive, and with it the inputs of the process
            self._timer.disconnect("timeout()", self._slot)
            self._slot = None
        process, self._process = self._process, None
        return process

    def fail(self, text: str) -> None:
        """Report a result that cannot be used: remove the folder and call `onError`."""
        self.removeFolder()
        self._onError(inPanel(text))

    @staticmethod
    def _killGroup(process: subprocess.Popen) -> None:
        """Start to end the process and its children; returns at once."""
        if IS_WINDOWS:
            command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
            hidden = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
            try:
                subprocess.Popen(command, creationflags=NO_WINDOW, **hidden)
            except OSError:  # taskkill is not installed; its children are not ended
                process.kill()
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # the process has already exited
        except PermissionError:  # macOS, if a process of the group is a zombie
            process.kill()

    def _readPipe(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            self._lines.put(line.rstrip("\n"))
        process.wait()
        self._lines.put(None)

    def _readLog(self, process: subprocess.Popen, log: Path, start: int) -> None:
        """Read what the process wrote once it has exited."""
        process.wait()
        try:
            with log.open("rb") as stream:
                stream.seek(start)
                lines = stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        for line in (*lines, None):
            self._lines.put(line)

    def _poll(self) -> None:
        if self._process is not None and not self._isSwept and self._process.poll() is not None:
            self._isSwept = True
            if not IS_WINDOWS:  # there, the children of a process that exited cannot be found
                self._killGroup(self._process)  # children that are still running keep the pipe open
        while self._process is not None:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return
            if line is None:
                self._finish(self.release().returncode)
                return
            self.progress.read(line)
            self._onProgress(self.progress)

    def _finish(self, exitCode: int) -> None:
        if exitCode in self._successCodes:
            if self._warmOptions is not None:
                WarmWorker.prepareSoon(self._warmOptions)
            self._end(lambda: self._onFinished(self.progress.outputLines()))
        else:
            self._end(lambda: self.fail(self._explain(exitCode, self.progress.lastOutput())))

    def _end(self, report: Callable[[], None]) -> None:
        """Report the end; the callbacks and the folder are needed until no work is left."""
        self._work = None
        try:
            self._deliver(report)
        finally:
            if self._work is None:
                self._forgetReceivers()
                if not self._keepsFolder:
                    self.removeFolder()

    def _deliver(self, report: Callable[[], None]) -> None:
        try:
            report()
        except Exception as error:  # the panel would wait for the result without end
            reason = (str(error) or type(error).__name__).rstrip(".")
            self.fail(_("The result could not be read: {error}. See the error log.").format(error=reason))
            raise

    def _forgetReceivers(self) -> None:
        """Drop the callbacks, which hold the inputs of the process."""
        self._onProgress = self._onFinished = self._onError = lambda _report: None
        self._explain = explainExit
