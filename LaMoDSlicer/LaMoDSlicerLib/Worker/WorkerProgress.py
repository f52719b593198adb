import json
import time

from LaMoDSlicerLib.Widgets.PanelWords import inPanel


class WorkerProgress:
    """Parses the worker's output: progress, the device with its reason, and all other lines."""

    #: The stage whose message names the device and the reason for it.
    DEVICE_STAGE = "device"

    def __init__(self) -> None:
        self.stage = ""
        self.message = ""
        self.device = ""
        self.fraction = 0.0
        self.log: list[str] = []
        self._started = time.monotonic()

    def read(self, line: str) -> bool:
        """Parse one line; returns whether it reports progress."""
        self.log.append(line)
        try:
            report = json.loads(line)
            stage, fraction, message = str(report["stage"]), float(report["fraction"]), inPanel(str(report["message"]))
        except (ValueError, KeyError, TypeError):
            return False
        if stage == self.DEVICE_STAGE:
            self.device = message
        else:
            self.stage, self.fraction, self.message = stage, fraction, message
        return True

    def secondsLeft(self) -> float | None:
        """Remaining time, extrapolated from the elapsed time; None below 5 %."""
        if not 0.05 < self.fraction < 1.0:
            return None
        return (time.monotonic() - self._started) * (1.0 - self.fraction) / self.fraction

    def outputLines(self) -> list[str]:
        """The lines that do not report progress."""
        return [line for line in self.log if line.strip() and not line.startswith("{")]

    def lastOutput(self) -> str:
        """The last line that does not report progress, without the command's name: the reason of a failure."""
        lines = self.outputLines()
        return lines[-1].removeprefix("lamod: ") if lines else ""
