from dataclasses import dataclass


@dataclass(frozen=True)
class Legend:
    """Title of a legend, and the values at both ends of its colours."""

    title: str
    low: float
    high: float
