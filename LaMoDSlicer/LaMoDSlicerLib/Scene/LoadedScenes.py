"""Registers the layouts at Slicer's start, and puts right what a loaded scene leaves incomplete."""

import slicer


def register() -> None:
    """Called once when Slicer has started."""
    from LaMoDSlicerLib.Advanced import TrainingLayout
    from LaMoDSlicerLib.Reading import ReadingLayout

    if slicer.app.layoutManager() is None:  # Slicer without a window
        return
    for layouts in (ReadingLayout, TrainingLayout):
        layouts.register()
    scene = slicer.mrmlScene
    scene.AddObserver(scene.EndImportEvent, lambda *_: onImported())


def onImported() -> None:
    """Leave a layout of LaMoD that nothing fills, and restore segmentations and views that LaMoD had changed."""
    from LaMoDSlicerLib.Advanced import TrainingLayout
    from LaMoDSlicerLib.Reading import ReadingLayout
    from LaMoDSlicerLib.Scene import EnteredViews, HiddenMasks

    for layouts in (ReadingLayout, TrainingLayout):
        layouts.leaveLoaded()
    HiddenMasks.bringBack()
    widget = getattr(slicer.modules, "LaMoDSlicerWidget", None)  # exists once the module was opened
    if widget is None or not widget.parent.isEntered:
        EnteredViews.restore()
