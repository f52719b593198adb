import json
import time


class WorkerProgress:
    """Reads the worker's lines: progress, the device with its reason, and everything else it says."""

    #: The stage at which the worker says which device computes, and why.
    DEVICE_STAGE = "device"

    def __init__(self) -> None:
        self.stage = ""
        self.message = ""
        self.device = ""
        self.fraction = 0.0
        self.log: list[str] = []
        self._started = time.monotonic()

    def read(self, line: str) -> bool:
        """Take one line; says whether it told progress."""
        self.log.append(line)
        try:
            said = json.loads(line)
            stage, fraction, message = str(said["stage"]), float(said["fraction"]), str(said["message"])
        except (ValueError, KeyError, TypeError):
            return False
        if stage == self.DEVICE_STAGE:
            self.device = message
        else:
            self.stage, self.fraction, self.message = stage, fraction, message
        return True

    def secondsLeft(self) -> float | None:
        """From the time that the done part took; None before there is anything to judge from."""
        if not 0.05 < self.fraction < 1.0:
            return None
        return (time.monotonic() - self._started) * (1.0 - self.fraction) / self.fraction

    def lastWords(self) -> str:
        """What the worker said last that is no progress: the reason, where it failed."""
        spoken = [line for line in self.log if line.strip() and not line.startswith("{")]
        return spoken[-1] if spoken else ""
