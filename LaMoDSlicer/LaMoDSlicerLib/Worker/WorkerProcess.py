import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable

import qt


class WorkerProcess:
    """A command in a process group of its own, at low priority, whose lines arrive in Qt's event loop.

    Args:
        onLine: called with every line of stdout and stderr.
        onFinished: called once with the exit code; negative where a signal ended it.
    """

    POLL_MS = 50
    NICENESS = 10

    def __init__(self, onLine: Callable[[str], None], onFinished: Callable[[int], None]) -> None:
        self._onLine, self._onFinished = onLine, onFinished
        self._process: subprocess.Popen | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._timer = qt.QTimer()
        self._timer.setInterval(self.POLL_MS)
        self._timer.timeout.connect(self._poll)

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Raises:
        OSError: the program cannot be started.
        """
        options: dict = {"start_new_session": True}
        if os.name == "nt":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            options = {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            **options,
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, self.NICENESS)
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self._timer.start()

    @property
    def processId(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def cancel(self) -> None:
        """End the process and its children at once; `onFinished` is not called."""
        self._timer.stop()
        process, self._process = self._process, None
        if process is None:
            return
        self._killGroup(process)
        process.wait()

    @staticmethod
    def _killGroup(process: subprocess.Popen) -> None:
        try:
            if os.name == "nt":
                subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
            else:
                os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself in the meantime

    def _read(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            self._lines.put(line.rstrip("\n"))
        process.wait()
        self._lines.put(None)

    def _poll(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._killGroup(self._process)  # children that outlived it hold its pipe open
        while self._process is not None:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                return
            if line is None:
                self._timer.stop()
                process, self._process = self._process, None
                self._onFinished(process.returncode)
                return
            self._onLine(line)
