"""The layouts of the Advanced panel: curves next to an image, curves below three images, three images."""

from LaMoDSlicerLib.Scene.CustomLayouts import PLOT, CustomLayouts, sliceView, sliceViews, split

CURVES, COMPARISON, CASE = 9111, 9112, 9113

_IMAGES = split("horizontal", *sliceViews(1))
_LAYOUTS = CustomLayouts(
    {
        CURVES: split("horizontal", sliceView("Red", 4), PLOT),
        COMPARISON: split("vertical", f'<item splitSize="5">{_IMAGES}</item>', PLOT),
        CASE: _IMAGES,
    },
    "lamodLayoutBeforeTraining",
)
open = _LAYOUTS.open
close = _LAYOUTS.close
leaveLoaded = _LAYOUTS.leaveLoaded
register = _LAYOUTS.register
