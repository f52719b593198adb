"""What the module changes in the views while it is shown and there is a result, and restores for other modules."""

from LaMoDSlicerLib.Scene import CleanUp, SliceViews
from LaMoDSlicerLib.Scene.StackCamera import StackCamera


def adapt() -> None:
    """Draw slices fast, and show the heart in 3-D without the bounding box."""
    SliceViews.letAllResliceBeFast()
    StackCamera().clear()


def restore() -> None:
    """Undo `adapt`."""
    CleanUp.runAll(SliceViews.restoreSampling, StackCamera.restoreViews)
