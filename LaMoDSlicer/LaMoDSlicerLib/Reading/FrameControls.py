from collections.abc import Callable
from typing import Any

import numpy as np
import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Reading.CinePlayer import CinePlayer
from LaMoDSlicerLib.Results.ResultNumbers import SliceNumbers
from LaMoDSlicerLib.Widgets import Numbering
from LaMoDSlicerLib.Widgets.FrameBar import FrameBar


class FrameControls:
    """Buttons, slider and text for the frame of the slice that is shown, and playing in real time.

    Args:
        ui: the sheet's widgets by name.
        showMessage: called with a sentence for the user.
    """

    def __init__(self, ui: Any, showMessage: Callable[[str], None]) -> None:
        self._ui = ui
        self._browser: Any = None
        self._slice: SliceNumbers | None = None
        self._moments = (0, 0)
        self.player = CinePlayer(self._onPlaying, showMessage)
        self.bar = FrameBar(self.goTo)
        self.bar.slider.setToolTip(_("Frame; ▴ marks end-diastole (ED) and end-systole (ES)"))
        ui.framePlace.layout().addWidget(self.bar)
        ui.edButton.connect("clicked(bool)", lambda _checked=False: self.goToEndDiastole())
        ui.esButton.connect("clicked(bool)", lambda _checked=False: self.goToEndSystole())
        ui.playButton.connect("clicked(bool)", lambda _checked=False: self.togglePlay())
        self._menu = qt.QMenu(ui.playButton)
        self._speeds = qt.QActionGroup(self._menu)
        for speed in CinePlayer.SPEEDS:
            action = qt.QAction(self._speedText(speed), self._menu)
            action.setCheckable(True)
            action.setChecked(speed == self.player.speed)
            action.connect("triggered(bool)", self._speedSetter(speed))
            self._speeds.addAction(action)
            self._menu.addAction(action)
        ui.playButton.setMenu(self._menu)

    @staticmethod
    def _speedText(speed: float) -> str:
        return _("Real time") if speed == 1 else _("{share} of real time").format(share={0.5: "½", 0.25: "¼"}[speed])

    def _speedSetter(self, speed: float) -> Callable[[bool], None]:
        return lambda _checked=False: self.player.setSpeed(speed)

    def follow(
        self, browserNode: Any, slice_: SliceNumbers | None, referenceFrame: int = 0, endSystole: int = 0
    ) -> None:
        """Control a slice's sequence browser; None for no slice."""
        wasPlaying = self.player.isPlaying
        if browserNode is not self._browser:
            self.player.stop()
        self._browser, self._slice, self._moments = browserNode, slice_, (referenceFrame, endSystole)
        if slice_ is None:
            self._ui.frameLabel.text = ""
            return
        self.bar.setFrames(len(slice_.timesMs), {"ED": referenceFrame, "ES": endSystole})
        if browserNode is not None:
            # Slicer's own button plays at this rate
            browserNode.SetPlaybackRateFps(1000.0 / max(float(np.diff(slice_.timesMs).mean()), 1.0))
            self.onFrame(browserNode.GetSelectedItemNumber())
        if wasPlaying and not self.player.isPlaying:
            self.togglePlay()

    def onFrame(self, frame: int) -> None:
        """Show the frame of the browser."""
        slice_ = self._slice
        if slice_ is None or not 0 <= frame < len(slice_.timesMs):
            return
        self.bar.setFrame(frame)
        text = _("{frame} of {count} · {time:.0f} ms")
        shown = text.format(frame=Numbering.frame(frame), count=len(slice_.timesMs), time=slice_.timesMs[frame])
        names = [name for name, at in zip((_("ED"), _("ES")), self._moments, strict=True) if at == frame]
        self._ui.frameLabel.text = " · ".join([shown, *names])

    def goTo(self, frame: int) -> None:
        """Show a frame, counted from 0; playing stops."""
        self.player.stop()
        if self._browser is not None and self._browser.GetScene() is not None:
            self._browser.SetSelectedItemNumber(frame)

    def step(self, by: int) -> None:
        """Go forwards or backwards; the cycle is periodic."""
        if self._browser is not None and self._slice is not None:
            self.goTo((self._browser.GetSelectedItemNumber() + by) % len(self._slice.timesMs))

    def goToEndDiastole(self) -> None:
        self.goTo(self._moments[0])

    def goToEndSystole(self) -> None:
        self.goTo(self._moments[1])

    def togglePlay(self) -> None:
        """Play in real time, or pause."""
        if self.player.isPlaying or self._browser is None or self._slice is None:
            self.player.stop()
        else:
            self.player.play(self._browser, self._slice.timesMs, self._slice.rrMs)

    def _onPlaying(self) -> None:
        self._ui.playButton.text = _("Pause") if self.player.isPlaying else _("Play")
