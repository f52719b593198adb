"""Creates the sections of the module panel."""

from typing import Any

from LaMoDSlicerLib.Advanced.AdvancedPanel import AdvancedPanel
from LaMoDSlicerLib.Contours.ContoursPanel import ContoursPanel
from LaMoDSlicerLib.Display.DisplayPanel import DisplayPanel
from LaMoDSlicerLib.Heart.HeartSections import HeartSections
from LaMoDSlicerLib.LongAxis.LongAxisPanel import LongAxisPanel
from LaMoDSlicerLib.Reading.ReadingPanel import ReadingPanel


def create(owner: Any) -> tuple[Any, ...]:
    """Create all sections; returns them in the order of their updates.

    Args:
        owner: the module's widget, which has its user interface and its logic.
    """
    owner.displayPanel = DisplayPanel(owner)
    owner.contoursPanel, owner.readingPanel, owner.advancedPanel = panels = (
        ContoursPanel(owner),
        ReadingPanel(owner),
        AdvancedPanel(owner),
    )
    owner.sections = HeartSections(owner)
    owner.heartPanel, owner.predictPanel = owner.sections.heart, owner.sections.predict
    return owner.sections, owner.displayPanel, *panels, LongAxisPanel(owner.sections)
