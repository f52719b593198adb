from dataclasses import dataclass


@dataclass(frozen=True)
class FrameState:
    """One frame of one slice.

    Attributes:
        state: one of `FrameStrip.STATES`.
        tip: state, origin, findings and acceptance, one line each.
        isCarried: whether its contour was carried from drawn frames.
        isAutomatic: whether it was drawn automatically and no person accepted or changed it.
        mustBeRepaired: whether strain cannot be computed from its contour.
    """

    state: str
    tip: str
    isCarried: bool = False
    isAutomatic: bool = False
    mustBeRepaired: bool = False
