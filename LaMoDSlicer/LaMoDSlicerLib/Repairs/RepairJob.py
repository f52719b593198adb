import time
from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError


class RepairJob:
    """Repairs slices one after the other, without changing the scene; between two slices, Slicer handles its events.

    No event is handled while a slice is repaired: a click or a timer could change or close the scene in it.

    Args:
        slices: LaMoDCore CineSlice objects.
        repair: returns the repaired slice; it may raise InputError or LaMoDInputError.
        onStep: called with the completed number of slices.
        onDone: called with all repaired slices.
        onError: called with a sentence for the user.
    """

    #: Slices are repaired at once, without the timer, until this time has passed.
    AT_ONCE_S = 0.3

    def __init__(
        self,
        slices: list[Any],
        repair: Callable[[Any], Any],
        onStep: Callable[[int], None],
        onDone: Callable[[list[Any]], None],
        onError: Callable[[str], None],
    ) -> None:
        self._slices, self._repair = slices, repair
        self._onStep, self._onDone, self._onError = onStep, onDone, onError
        self._repaired: list[Any] = []
        self._timer: Any = None

    @property
    def isMeasured(self) -> bool:
        """Whether the job reports how much of it is done."""
        return True

    @property
    def count(self) -> int:
        """Number of slices."""
        return len(self._slices)

    def start(self) -> bool:
        """Repair the first slices, and the others from a timer; returns whether the job has ended."""
        deadline = time.monotonic() + self.AT_ONCE_S
        while time.monotonic() < deadline:
            if self._step():
                return True
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._onTimeout)
        self._timer.start()
        return False

    def cancel(self) -> None:
        """Stop without a result."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.disconnect("timeout()", self._onTimeout)
            self._timer = None
        self._slices, self._repaired = [], []

    def _onTimeout(self) -> None:
        if self._timer is not None:
            self._step()

    def _step(self) -> bool:
        """Repair the next slice; returns whether the job has ended."""
        from LaMoDCore.runtime.errors import LaMoDInputError

        try:
            self._repaired.append(self._repair(self._slices[len(self._repaired)]))
        except (InputError, LaMoDInputError) as error:
            self.cancel()
            self._onError(str(error))
            return True
        except Exception as error:
            self.cancel()  # otherwise the timer repeats the error
            reason = (str(error) or type(error).__name__).rstrip(".")
            self._onError(_("The contours could not be repaired: {error}. See the error log.").format(error=reason))
            raise
        self._onStep(len(self._repaired))
        if self._slices and len(self._repaired) == len(self._slices):
            repaired = self._repaired
            self.cancel()
            self._onDone(repaired)
            return True
        return not self._slices
