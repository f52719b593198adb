"""Restricts code and .ui files to the names of the real ctk, qMRML and qSlicer classes.

``real_names.json`` (see ``read_real_names``) lists the properties, signals, slots and invokables of each class. The
stand-ins refuse every other name to the module's code; the code of the host and of Slicer is not checked.
"""

from __future__ import annotations

import json
import sys
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore

from Testing.SlicerHost.pythonqt import wrapped

#: Python modules whose use of the stand-ins is checked: the module under test.
CHECKED_PREFIXES = ("LaMoDSlicer",)
#: Names that PythonQt adds to every object.
_ALWAYS = {"connect", "disconnect", "className", "delete", "help", "objectName", "name", "children", "parent"}


@lru_cache(maxsize=1)
def real_classes() -> dict[str, dict[str, Any]]:
    return json.loads(Path(__file__).with_name("real_names.json").read_text(encoding="utf-8"))["classes"]


def ancestry(class_name: str) -> list[dict[str, Any]]:
    """The real class and its base classes, without those of Qt."""
    chain = []
    while class_name in real_classes():
        chain.append(real_classes()[class_name])
        class_name = chain[-1]["base"]
    return chain


def qt_base(class_name: str) -> str:
    """The first Qt class among the bases of a real class, or QObject."""
    while class_name in real_classes():
        class_name = real_classes()[class_name]["base"]
    return class_name if class_name.startswith("Q") else "QObject"


@cache
def python_names(class_name: str) -> frozenset[str]:
    """Every name of an instance of the real class that is visible in Python, except those of Qt."""
    names: set[str] = set()
    for entry in ancestry(class_name):
        names |= entry["properties"].keys() | set(entry["enums"])
        for kind in ("signals", "slots", "invokables", "decorators"):
            names |= {signature.partition("(")[0] for signature in entry[kind]}
    return frozenset(names)


def has_signal(class_name: str, signature: str) -> bool:
    """Whether the real class (or its Qt base) has this signal, including the argument types."""
    normalized = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    if any(normalized in entry["signals"] for entry in ancestry(class_name)):
        return True
    base = class_name if class_name not in real_classes() else qt_base(class_name)
    meta = wrapped(base).staticMetaObject
    return any(
        bytes(meta.method(i).methodSignature()).decode() == normalized
        and meta.method(i).methodType() == QtCore.QMetaMethod.MethodType.Signal
        for i in range(meta.methodCount())
    )


def has_slot(class_name: str, signature: str) -> bool:
    normalized = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    if any(normalized in entry["slots"] for entry in ancestry(class_name)):
        return True
    base = class_name if class_name not in real_classes() else qt_base(class_name)
    return bool(wrapped(base).staticMetaObject.indexOfSlot(normalized) >= 0)


def has_property(class_name: str, name: str) -> bool:
    if any(name in entry["properties"] for entry in ancestry(class_name)):
        return True
    base = class_name if class_name not in real_classes() else qt_base(class_name)
    return bool(wrapped(base).staticMetaObject.indexOfProperty(name) >= 0)


class Strict:
    """Base class of the stand-ins: the checked modules can use the names of the real class only."""

    #: Name of the real class if the stand-in has another name.
    _real_class: str | None = None

    @classmethod
    def _real_name(cls) -> str:
        for base in cls.__mro__:
            name = base.__dict__.get("_real_class") or base.__name__
            if name in real_classes():
                return str(name)
        raise TypeError(f"real_names.json does not list the class that {cls.__name__} replaces")

    @classmethod
    def _refuse(cls, name: str) -> None:
        real = cls._real_name()
        if name.startswith("_") or name in _ALWAYS or name in python_names(real):
            return
        qt_class = wrapped(qt_base(real))
        if hasattr(qt_class, name) and qt_base(real) != "QObject":
            return
        if not hasattr(QtCore.QObject, name):
            raise AttributeError(f"the real {real} has no property, signal, slot or invokable '{name}'")

    def __getattribute__(self, name: str) -> Any:
        if _caller_is_checked():
            type(self)._refuse(name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if _caller_is_checked():
            real = self._real_name()
            writable = any(entry["properties"].get(name) for entry in ancestry(real))
            if not writable and wrapped(qt_base(real)).staticMetaObject.indexOfProperty(name) < 0 and name != "name":
                raise AttributeError(f"the real {real} has no writable property '{name}'")
        super().__setattr__(name, value)

    def _resolve_signal(self, signature: str) -> Any:
        """The stand-in's signal for a real signature; ``_overloads`` maps overloaded signatures to its names."""
        real = self._real_name()
        if not has_signal(real, signature):
            raise RuntimeError(f"the real {real} has no signal {signature}")
        overloads = getattr(type(self), "_overloads", {})
        return getattr(self, overloads.get(signature, signature.partition("(")[0]))


def _caller_is_checked() -> bool:
    caller = sys._getframe(2).f_globals.get("__name__", "")
    return caller.startswith(CHECKED_PREFIXES)


def faults_of_ui_file(path: Path) -> list[str]:
    """Classes, properties, signals and slots in a .ui file that the real classes do not have."""
    root = ElementTree.parse(path).getroot()
    classes: dict[str, str] = {}
    faults: list[str] = []
    for widget in root.iter("widget"):
        name, class_name = widget.get("name", ""), widget.get("class", "")
        classes[name] = class_name
        if class_name.startswith(("ctk", "qMRML", "qSlicer")) and class_name not in real_classes():
            faults.append(f"{name}: real_names.json does not list {class_name}")
            continue
        for prop in widget.findall("property"):
            dynamic = prop.get("stdset") == "0" and prop.get("name", "").startswith("Slicer")
            if not dynamic and not has_property(class_name, prop.get("name", "")):
                faults.append(f"{name}: {class_name} has no property {prop.get('name')}")
    for wire in root.iter("connection"):
        sender, signal = wire.findtext("sender", ""), wire.findtext("signal", "")
        receiver, slot = wire.findtext("receiver", ""), wire.findtext("slot", "")
        if not has_signal(classes.get(sender, ""), signal):
            faults.append(f"{sender}: {classes.get(sender)} has no signal {signal}")
        if not has_slot(classes.get(receiver, ""), slot):
            faults.append(f"{receiver}: {classes.get(receiver)} has no slot {slot}")
    return faults
