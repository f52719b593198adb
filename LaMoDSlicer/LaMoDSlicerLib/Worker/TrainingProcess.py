import os
import subprocess
from pathlib import Path


class TrainingProcess:
    """A training run as a process of its own: it goes on when the module, the scene or Slicer is closed.

    Whatever it says lands in a file of the run's folder; how it stands is read from there by anybody.

    Args:
        folder: the run's.
    """

    CONSOLE = "console.log"
    NICENESS = 10
    #: Of a training that was asked to stop and wrote its checkpoint.
    STOPPED = 130

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen | None = None
        self._said = 0

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Raises:
        OSError: the program cannot be started, or the folder cannot be written to.
        """
        console = self._folder / self.CONSOLE
        self._said = console.stat().st_size if console.is_file() else 0
        options: dict = {"start_new_session": True}
        if os.name == "nt":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
            options = {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
        with console.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options
            )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, self.NICENESS)

    @property
    def processId(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def exitCode(self) -> int | None:
        """None while it runs, or where it was never started here."""
        return self._process.poll() if self._process is not None else None

    def lastWords(self) -> str:
        """What it said last, without the command's name: the reason, where it failed."""
        try:
            with (self._folder / self.CONSOLE).open("rb") as stream:
                stream.seek(self._said)
                lines = stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return ""
        spoken = [line.strip() for line in lines if line.strip()]
        return spoken[-1].removeprefix("lamod: ") if spoken else ""
