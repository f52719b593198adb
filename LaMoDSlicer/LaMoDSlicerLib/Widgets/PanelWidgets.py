"""Functions for the widgets of the panel.

Some widgets reserve space, so that text that appears or disappears does not move the widgets below it. Otherwise a
click in progress would hit another widget.
"""

from typing import Any

import qt


def enable(widget: Any, problem: str, tip: str) -> None:
    """Enable a widget with a tooltip, or disable it with the problem as its tooltip."""
    widget.enabled = not problem
    widget.toolTip = problem or tip


def reserveLines(label: Any, count: int) -> None:
    """Give a label enough height for `count` lines of text."""
    label.setMinimumHeight(count * label.fontMetrics().lineSpacing())


def showWholeText(label: Any, text: str, lines: int) -> None:
    """Show text in a label with word wrap, with enough height for all of it.

    A collapsible section does not ask its contents for the height that they need at their width.

    Args:
        label: the QLabel.
        text: what to show.
        lines: least height, as a number of lines.
    """
    label.text = text
    least = lines * label.fontMetrics().lineSpacing()
    label.setMinimumHeight(max(least, label.heightForWidth(label.width)))


def keepSpaceWhenHidden(widget: Any) -> None:
    """Let a widget occupy its space in the layout while it is hidden."""
    policy = widget.sizePolicy
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def scrollTo(widget: Any) -> None:
    """Scroll the module panel so that a widget is visible, after the layout has taken up its new text."""
    qt.QTimer.singleShot(0, lambda: _scroll(widget))


def _scroll(widget: Any) -> None:
    area = widget.parent()
    while area is not None and not area.inherits("QScrollArea"):
        area = area.parent()
    if area is not None:
        area.ensureWidgetVisible(widget, 0, 0)
