from typing import Any

import qt
import slicer
from slicer.util import VTKObservationMixin


class SceneWatch(VTKObservationMixin):
    """Observes the scene for the panel: one update for many events, and none on a half-imported scene.

    While another module is shown, nothing is updated: the views are that module's.

    Args:
        owner: the module's widget: its `update` and `updateDisplay`, and what it does when a scene is closed.
    """

    #: Events within this time cause one update.
    INTERVAL_MS = 30

    def __init__(self, owner: Any) -> None:
        super().__init__()
        self._owner, self._isObserving = owner, True
        self.timer = qt.QTimer()
        self.timer.setSingleShot(True)
        self.timer.setInterval(self.INTERVAL_MS)
        self.timer.connect("timeout()", self.onTimeout)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, owner.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, owner.onSceneEndClose)
        for event in (
            scene.NodeAddedEvent,
            scene.NodeRemovedEvent,
            scene.EndImportEvent,
            scene.EndBatchProcessEvent,
        ):
            self.addObserver(scene, event, self.onModified)

    def onModified(self, caller: Any = None, event: Any = None) -> None:
        """Update the panel soon; `enter` updates it if another module is shown."""
        if self._owner.parent.isEntered:
            self._isDisplayOnly = False
            self.timer.start()

    def onDisplayModified(self) -> None:
        """As `onModified` for a change of the display alone, which needs no check of the inputs."""
        if self._owner.parent.isEntered and not self.timer.active:
            self.timer.start()

    def onTimeout(self) -> None:
        """Update, unless the scene is being changed: then the event at its end starts the timer again.

        A result that is being added to the scene updates the panel itself when it is complete.
        """
        if slicer.mrmlScene.IsBatchProcessing() or self._owner.predictPanel.isCommitting:
            return
        if self._isDisplayOnly:
            self._owner.updateDisplay()
        else:
            self._owner.update()

    def stop(self) -> None:
        """Discard the pending update."""
        self.timer.stop()
        self._isDisplayOnly = True

    def release(self) -> None:
        """Stop observing, because the module is unloaded; Slicer unloads a module that was reloaded twice."""
        self.stop()
        if self._isObserving:
            self._isObserving = False
            self.timer.disconnect("timeout()", self.onTimeout)
            self.removeObservers()
