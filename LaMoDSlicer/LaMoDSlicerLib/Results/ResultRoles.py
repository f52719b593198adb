"""The roles of a result's nodes: the attribute "LaMoD.Role" by which they are found in a scene."""

from LaMoDSlicerLib.Display.Quantities import OverlayQuantity

#: The masks as images, which replace a missing cine.
MASKS = "masks"
CONTOURS, DRAWN, ARROWS, GRID, TRACKS = "contours", "drawn", "arrows", "grid", "tracks"
#: Drawn when they are first displayed, with the settings of that moment.
DRAWN_ON_DEMAND = (ARROWS, GRID, TRACKS)
LINES = (CONTOURS, DRAWN, *DRAWN_ON_DEMAND)
#: The wall in the 3-D view.
WALL = "wall"
#: Ecc minus that of another result.
DIFFERENCE = "difference"
QUANTITIES = tuple(quantity for quantity in OverlayQuantity if quantity is not OverlayQuantity.NONE)
ALL = (*(quantity.value for quantity in QUANTITIES), *LINES, WALL)
