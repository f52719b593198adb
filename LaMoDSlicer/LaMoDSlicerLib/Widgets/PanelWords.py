"""Messages of the `lamod` command in the words of the panel: controls instead of command-line options."""

import re

from slicer.i18n import tr as _

#: An option with its example value, as in "--labels myo=2", "--rr MS" or "--rv-insertion=1,2,3".
_VALUE = r"=\S*\d| [A-Z]+(?:,[A-Z]+)*\b| [a-z]+=\S*\w| \d+(?:[.,]\d+)*\b| [a-z\d]+(?:,[a-z\d]+)+"
_OPTION = re.compile(rf"(?<![\w-])--([a-z][a-z-]*[a-z])(?:{_VALUE})?")
_RESUME = re.compile(r"`lamod \w+ --resume`")
_COMMAND = re.compile(r"`(lamod [a-z]+)(?: [^`]*)?`")


def inPanel(text: str) -> str:
    """The text, with the panel's control in place of each option; an option without a control is named as such."""
    if "--" not in text:
        return text
    controls = _controls()
    text = _RESUME.sub(controls["resume"], text)
    text = _COMMAND.sub(lambda match: _("the command “{name}”").format(name=match.group(1)), text)
    other = _("the option “{name}” of the lamod command")
    return _OPTION.sub(lambda match: controls.get(match.group(1)) or other.format(name=match.group(1)), text)


def _controls() -> dict[str, str]:
    """Option -> name of the control with the same purpose."""
    return {
        "cine": _("“Add…”"),
        "contour-convention": _("“Contour convention”"),
        "device": _("“Device”"),
        "labels": _("“Structures”"),
        "levels": _("the column “Level”"),
        "long-axis": _("“Add…”"),
        "long-axis-cine": _("“Add…”"),
        "long-axis-labels": _("“Structures”"),
        "long-axis-views": _("the column “Level”"),
        "masks": _("“Masks”"),
        "model": _("“Model”"),
        "reference-frame": _("“End-diastolic frame”"),
        "resume": _("“Resume”"),
        "rr": _("“R–R interval”"),
        "rr-ms": _("“R–R”"),
        "rv-insertion": _("“RV insertion”"),
        "samples": _("“Samples”"),
        "segment": _("“Segment myocardium automatically”"),
        "subject": _("“Subject”"),
    }
