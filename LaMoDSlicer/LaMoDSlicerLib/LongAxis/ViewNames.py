"""The long-axis views and their names on screen."""

from slicer.i18n import tr as _

from LaMoDSlicerLib.Widgets import Numbering

#: As LaMoDCore names them.
VIEWS = ("four_chamber", "two_chamber", "three_chamber")


def onScreen(text: str) -> str:
    """A sentence of LaMoDCore with the names of `textOf`."""
    from LaMoDCore.heart.long_axis.view import VIEW_NAMES

    for view, name in VIEW_NAMES.items():
        text = text.replace(name, textOf(view)).replace(Numbering.capitalized(name), textOf(view))
    return text


def shortTextOf(view: str | None) -> str:
    """“4ch”, where there is little space."""
    names = {"four_chamber": _("4ch"), "two_chamber": _("2ch"), "three_chamber": _("3ch")}
    return names.get(view or "", _("view"))


def textOf(view: str | None) -> str:
    """“4-chamber”, or “long axis” where the view is not known."""
    names = {"four_chamber": _("4-chamber"), "two_chamber": _("2-chamber"), "three_chamber": _("3-chamber")}
    return names.get(view or "", _("long axis"))
