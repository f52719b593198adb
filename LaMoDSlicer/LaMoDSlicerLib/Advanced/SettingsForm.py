from types import SimpleNamespace
from typing import Any

import qt
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError


class SettingsForm:
    """The training settings as a form, built from LaMoDCore's description of the settings.

    Args:
        settings: as `lamod settings --json` lists them.
    """

    #: (prefix, title) of each part of the settings; the paths of its settings are "prefix.name".
    PARTS = (("", "Run"), ("augmentation", "Augmentation"), ("model", "Networks"))
    _LARGEST = 2**31 - 1

    def __init__(self, settings: list[dict[str, Any]]) -> None:
        self._settings = [SimpleNamespace(**setting) for setting in settings]
        self._fields: dict[str, Any] = {}
        self._rows: dict[str, tuple[Any, Any]] = {}
        self.widget = qt.QWidget()
        layout = qt.QFormLayout(self.widget)
        layout.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)
        for part, title in self.PARTS:
            heading = qt.QLabel(f"<b>{_(title)}</b>")
            layout.addRow(heading)
            for setting in (s for s in self._settings if self._partOf(s.path) == part):
                field = self._field(setting)
                label = qt.QLabel(setting.path.removeprefix(f"{part}."))
                for each in (label, field):
                    each.setToolTip(self._help(setting))
                layout.addRow(label, field)
                self._fields[setting.path], self._rows[setting.path] = field, (label, field)

    @staticmethod
    def _partOf(path: str) -> str:
        return path.partition(".")[0] if "." in path else ""

    def show(self, preset: str) -> None:
        """Set the fields to the values of a preset."""
        for setting in self._settings:
            self._put(setting, setting.presets[preset])

    def values(self) -> dict[str, Any]:
        """The fields' values, nested.

        Raises:
            InputError: a field is not a number, or is out of range.
        """
        nested: dict[str, Any] = {}
        for setting in self._settings:
            *parents, last = setting.path.split(".")
            inner = nested
            for name in parents:
                inner = inner.setdefault(name, {})
            inner[last] = self._take(setting)
        return nested

    def find(self, text: str) -> None:
        """Show only the settings whose name or help contains the text."""
        for setting in self._settings:
            shown = text.lower() in f"{setting.path} {setting.help}".lower()
            for each in self._rows[setting.path]:
                each.setVisible(shown)

    def field(self, path: str) -> Any:
        """The widget of a setting by its path."""
        return self._fields[path]

    @classmethod
    def _help(cls, setting: Any) -> str:
        parts = [setting.help[:1].upper() + setting.help[1:]] if setting.help else [setting.path]
        if setting.least is not None:
            most = setting.most if setting.most is not None else _("any")
            parts.append(_("From {least} to {most}.").format(least=setting.least, most=most))
        return " ".join(parts)

    def _field(self, setting: Any) -> Any:
        if setting.kind == "bool":
            return qt.QCheckBox()
        if setting.kind == "int":
            field = qt.QSpinBox()
            field.setRange(
                int(setting.least) if setting.least is not None else 0,
                int(setting.most) if setting.most is not None else self._LARGEST,
            )
            return field
        if setting.choices and setting.kind == "str":
            field = qt.QComboBox()
            for choice in setting.choices:
                field.addItem(choice)
            return field
        field = qt.QLineEdit()
        if setting.choices:
            field.setPlaceholderText(_("none, or any of {choices}").format(choices=", ".join(setting.choices)))
        return field

    def _put(self, setting: Any, value: Any) -> None:
        field = self._fields[setting.path]
        if setting.kind == "bool":
            field.setChecked(bool(value))
        elif setting.kind == "int":
            field.setValue(int(value))
        elif setting.choices and setting.kind == "str":
            field.setCurrentIndex(setting.choices.index(value))
        else:
            field.setText(self._text(value))

    def _take(self, setting: Any) -> Any:
        field = self._fields[setting.path]
        if setting.kind == "bool":
            return bool(field.checked)
        if setting.kind == "int":
            return int(field.value)
        if setting.choices and setting.kind == "str":
            return setting.choices[field.currentIndex]
        text = field.text.strip()
        if setting.kind == "tuple":
            return self._list(setting, text)
        return self._number(setting, text) if setting.kind == "float" else text

    @staticmethod
    def _list(setting: Any, text: str) -> list[str]:
        words = [word.strip() for word in text.split(",") if word.strip()]
        unknown = [word for word in words if setting.choices and word not in setting.choices]
        if unknown:
            text = _("{name}: “{word}” is not allowed; use {choices}.")
            raise InputError(text.format(name=setting.path, word=unknown[0], choices=", ".join(setting.choices)))
        return words

    @staticmethod
    def _number(setting: Any, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise InputError(_("{name} is “{text}”: enter a number.").format(name=setting.path, text=text)) from None
        least = setting.least if setting.least is not None else -float("inf")
        most = setting.most if setting.most is not None else float("inf")
        if not least <= value <= most:
            message = _("{name} is {value:g}: it must be from {least} to {most}.")
            raise InputError(message.format(name=setting.path, value=value, least=setting.least, most=setting.most))
        return value

    @staticmethod
    def _text(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.10g}"
        return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
