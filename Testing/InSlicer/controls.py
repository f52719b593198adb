"""The controls of the panel that checks and flows use: the one place with their names.

Every control is used through `click`, as a user would; a disabled control fails with its tooltip.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import slicer


def wait(seconds: float, until: Callable[[], bool] | None = None) -> bool:
    """Handle events for some seconds or until a condition holds; returns False if it did not hold in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        slicer.app.processEvents()
        if until is not None and until():
            return True
        time.sleep(0.005)
    return until is None


def click(button: Any) -> None:
    """Click an enabled button."""
    assert button.enabled, f"{button.name} is disabled: {button.toolTip}"
    button.click()
    wait(0.2)


class Controls:
    """The open panel.

    Args:
        widget: the module's widget, an instance of LaMoDSlicerWidget.
        press: clicks a button; by default without a mouse.
    """

    def __init__(self, widget: Any, press: Callable[[Any], None] = click) -> None:
        self.widget, self.press = widget, press

    @property
    def ui(self) -> Any:
        return self.widget.ui

    @property
    def message(self) -> str:
        """Why the last click did not work; "" if it did."""
        return str(self.ui.messageLabel.text)

    @property
    def headline(self) -> str:
        """The result: GCS, GRS, EF, without the formatting."""
        return " ".join(re.sub(r"<br ?/?>", "; ", re.sub(r"</?[bi]>", "", self.ui.headlineLabel.text)).split())

    @property
    def rows(self) -> int:
        """Slices in the table of the heart."""
        return int(self.ui.heartTable.rowCount)

    @property
    def result(self) -> Any:
        """The browser of the current result, or None."""
        parameters = self.widget._parameters
        return parameters.resultBrowser if parameters is not None else None

    def _run(self, button: Any, seconds: float) -> float:
        """Click a button that starts a job, and wait for its end; returns the seconds it took."""
        started = time.monotonic()
        self.press(button)
        assert wait(seconds, lambda: self.widget.predictPanel.job is None), f"{button.name} did not end"
        wait(0.5)
        return time.monotonic() - started

    def predict(self, seconds: float = 900) -> float:
        """Predict Strain; returns the seconds it took."""
        return self._run(self.ui.predictButton, seconds)

    def draw(self, seconds: float = 900) -> float:
        """Draw contours; returns the seconds it took."""
        return self._run(self.ui.drawContoursButton, seconds)

    def start_prediction(self) -> Any:
        """Predict Strain without waiting; returns the worker."""
        self.press(self.ui.predictButton)
        return self.widget.predictPanel.job

    def toggle_room(self) -> None:
        """Open or close the reading room."""
        self.press(self.widget.readingPanel.ui.roomButton)
        wait(0.5)

    def room_tabs(self) -> Any:
        """The tabs of the reading room."""
        return self.widget.readingPanel.sheet.ui.tabs

    def sections(self) -> dict[str, Any]:
        """Title and button of each collapsible section of the panel."""
        reading, contours, advanced = self.widget.readingPanel, self.widget.contoursPanel, self.widget.advancedPanel
        buttons = [
            *(self.ui.heartButton, contours.ui.contoursButton, self.ui.strainButton, self.ui.displayButton),
            *(reading.ui.readingButton, self.ui.advancedButton),
            *(advanced.dataset.ui.datasetButton, advanced.train.ui.trainButton),
            *(advanced.evaluate.ui.evaluateSectionButton, advanced.models.ui.modelsButton),
        ]
        return {str(button.text).partition(":")[0]: button for button in buttons}  # without the state that follows
