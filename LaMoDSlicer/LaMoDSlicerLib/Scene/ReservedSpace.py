"""Reserve space in the panel, so that text that appears or disappears does not move the widgets below it.

Otherwise a click in progress would hit another widget.
"""

from typing import Any


def reserveLines(label: Any, count: int) -> None:
    """Give a label enough height for `count` lines of text."""
    label.setMinimumHeight(count * label.fontMetrics().lineSpacing())


def keepSpaceWhenHidden(widget: Any) -> None:
    """Let a widget occupy its space in the layout while it is hidden."""
    policy = widget.sizePolicy
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)
