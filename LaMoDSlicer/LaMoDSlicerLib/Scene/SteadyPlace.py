from typing import Any


class SteadyPlace:
    """Keeps the places of the panel as large as what they will hold: else a text that comes or goes moves everything
    below it, and a click that is under way hits something else."""

    @staticmethod
    def lines(label: Any, count: int) -> None:
        """Let a label take as many lines of text without growing."""
        label.setMinimumHeight(count * label.fontMetrics().lineSpacing())

    @staticmethod
    def evenHidden(widget: Any) -> None:
        """Let a widget keep its place while it is hidden."""
        policy = widget.sizePolicy
        policy.setRetainSizeWhenHidden(True)
        widget.setSizePolicy(policy)
