"""PythonQt's interface to Qt on PySide6, importable as ``qt``.

- Qt properties are attributes: ``widget.checked``, ``widget.text``, ``widget.enabled``; ``name`` is objectName.
- ``widget.connect("clicked(bool)", callable)`` and ``disconnect`` take signatures.
- Setting an attribute that a Qt object does not have raises.

Classes are wrapped at first use.
"""

from __future__ import annotations

import sys
import weakref
from types import ModuleType
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets, QtXml

_SOURCES = (QtWidgets, QtGui, QtCore, QtUiTools, QtNetwork, QtXml)
#: Virtual functions that Qt calls on Python subclasses, which remain methods.
_STAY_METHODS = {"sizeHint", "minimumSizeHint", "text"}


class _PythonQtClass(type(QtCore.QObject)):  # type: ignore[misc]
    """Makes ``isinstance(widget, qt.QWidget)`` True for objects that Qt itself created, too."""

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        super().__init__(name, bases, members)
        # PySide6 gives every new class QObject's own connect and disconnect
        cls.connect, cls.disconnect = _connect, _disconnect

    def __instancecheck__(cls, instance: object) -> bool:
        base = cls.__dict__.get("_qt_class")
        return isinstance(instance, base) if base else type.__instancecheck__(cls, instance)

    def __subclasscheck__(cls, other: type) -> bool:
        base = cls.__dict__.get("_qt_class")
        return issubclass(other, base) if base else type.__subclasscheck__(cls, other)


class _QtProperty:
    """A Qt property as an attribute of instances; the C++ function of that name on the class."""

    def __init__(self, base: type, name: str, writable: bool) -> None:
        capital = name[0].upper() + name[1:]
        self.base, self.name, self.writable = base, name, writable
        self.getter = getattr(base, "is" + capital, None) or getattr(base, name, None)
        self.setter = getattr(base, "set" + capital, None)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return getattr(self.base, self.name, self)
        if callable(self.getter):
            return self.getter(instance)
        return QtCore.QObject.property(instance, self.name)

    def __set__(self, instance: Any, value: Any) -> None:
        if not self.writable:
            raise AttributeError(f"property {self.name} of {type(instance).__name__} is read-only")
        if not callable(self.setter):
            QtCore.QObject.setProperty(instance, self.name, value)
            return
        try:
            self.setter(instance, value)
        except (TypeError, ValueError):  # PythonQt converts between numbers and bool
            current = self.__get__(instance)
            if not isinstance(current, (bool, int, float)):
                raise
            self.setter(instance, type(current)(value))


def signal_by_signature(sender: QtCore.QObject, signature: str) -> Any:
    """The bound signal with this signature, such as ``clicked(bool)``.

    Raises:
        RuntimeError: the sender's class has no such signal; PythonQt only prints this on the console.
    """
    resolve = getattr(type(sender), "_resolve_signal", None)
    if resolve is not None:
        found = resolve(sender, signature)
        if found is not None:
            return found
    name = signature.partition("(")[0]
    normalized = bytes(QtCore.QMetaObject.normalizedSignature(signature)).decode()
    meta = sender.metaObject()
    methods = [meta.method(i) for i in range(meta.methodCount())]
    signals = [
        bytes(m.methodSignature()).decode() for m in methods if m.methodType() == QtCore.QMetaMethod.MethodType.Signal
    ]
    shorter = f"{name}(" if normalized.endswith("()") else None  # "clicked()" is accepted for "clicked(bool)"
    if normalized in signals or (shorter and any(s.startswith(shorter) for s in signals)):
        return getattr(sender, name)
    raise RuntimeError(f"{type(sender).__name__} has no signal {signature}; it has {', '.join(sorted(signals))}")


#: C++ address of a sender -> its receivers. PythonQt keeps them alive until they are disconnected or the sender is
#: deleted; PySide6 holds bound methods weakly.
_receivers: dict[int, list[Any]] = {}


def _address(sender: QtCore.QObject) -> int:
    return int(shiboken6.getCppPointer(sender)[0])


def _keep_alive(sender: QtCore.QObject, slot: Any) -> None:
    address = _address(sender)
    if address not in _receivers:
        _receivers[address] = []
        QtCore.QObject.destroyed.__get__(sender).connect(lambda *_: _receivers.pop(address, None))
    _receivers[address].append(slot)


def receivers_of(sender: QtCore.QObject) -> str:
    """Names of the functions that are connected with `connect`, for messages."""
    names = [getattr(slot, "__qualname__", type(slot).__name__) for slot in _receivers.get(_address(sender), [])]
    return " and ".join(names) or type(sender).__name__


#: The timers of the module.
_timers: weakref.WeakSet[QtCore.QTimer] = weakref.WeakSet()


def living_timers() -> list[QtCore.QTimer]:
    return [timer for timer in _timers if is_alive(timer)]


def _new_timer(self: Any, *arguments: Any) -> None:
    QtCore.QTimer.__init__(self, *arguments)
    _timers.add(self)


def _release(sender: QtCore.QObject, slots: tuple[Any, ...]) -> None:
    kept = _receivers.get(_address(sender), [])
    for slot in slots:
        if slot in kept:
            kept.remove(slot)


def _connect(self: Any, signature: str, *receiver: Any) -> bool:
    slot = getattr(receiver[0], receiver[1].partition("(")[0]) if len(receiver) == 2 else receiver[0]
    signal_by_signature(self, signature).connect(slot)
    _keep_alive(self, slot)
    return True


def _disconnect(self: Any, signature: str, *receiver: Any) -> bool:
    signal = signal_by_signature(self, signature)
    signal.disconnect(*receiver[:1])
    _release(self, receiver[:1])
    return True


class _Timeout:
    """``timer.timeout``, which keeps its receivers alive."""

    def __init__(self, timer: QtCore.QTimer) -> None:
        self._timer, self._signal = timer, QtCore.QTimer.timeout.__get__(timer)

    def connect(self, slot: Any) -> bool:
        self._signal.connect(slot)
        _keep_alive(self._timer, slot)
        return True

    def disconnect(self, *slots: Any) -> bool:
        self._signal.disconnect(*slots)
        _release(self._timer, slots)
        return True


def _unwrapped(cls: Any) -> Any:
    return cls.__dict__.get("_qt_class", cls) if isinstance(cls, type) else cls


def _set_attribute(base: type, self: Any, name: str, value: Any) -> None:
    """Set an attribute as PythonQt does: C++ objects accept no new attributes, Python subclasses do."""
    cls = type(self)
    if "_qt_class" in cls.__dict__ and not name.startswith("_") and not hasattr(cls, name):
        if self.property(name) is None:
            raise AttributeError(
                f"Attribute '{name}' does not exist on {cls.__name__} "
                "and creation of new attributes on C++ objects is not allowed"
            )
        self.setProperty(name, value)
        return
    base.__setattr__(self, name, value)


def _wrap(base: type, name: str) -> type:
    members: dict[str, Any] = {"_qt_class": base, "__module__": "qt"}
    meta = base.staticMetaObject  # type: ignore[attr-defined]
    for i in range(meta.propertyCount()):
        prop = meta.property(i)
        members[prop.name()] = _QtProperty(base, prop.name(), prop.isWritable())
    for stay in _STAY_METHODS & members.keys():
        if stay != "text" or name == "QProgressBar":
            del members[stay]
    object_name = property(QtCore.QObject.objectName, QtCore.QObject.setObjectName)
    members |= {
        "objectName": object_name,
        "name": object_name,
        "__setattr__": lambda self, attribute, value: _set_attribute(base, self, attribute, value),
        "className": lambda self: type(self).__name__,
        "delete": lambda self: self.deleteLater(),
        "findChildren": lambda self, cls=QtCore.QObject, *rest: QtCore.QObject.findChildren(
            self, _unwrapped(cls), *rest
        ),
        "findChild": lambda self, cls=QtCore.QObject, *rest: QtCore.QObject.findChild(self, _unwrapped(cls), *rest),
    }
    if hasattr(base, "exec"):
        members["exec_"] = base.exec  # type: ignore[attr-defined]
    if issubclass(base, QtWidgets.QComboBox):
        members["currentData"] = property(QtWidgets.QComboBox.currentData)
    if issubclass(base, QtWidgets.QFileDialog):
        for chooser in ("getOpenFileName", "getSaveFileName", "getOpenFileNames"):
            members[chooser] = staticmethod(_first_of(base, chooser))
    if base is QtCore.QTimer:
        members["__init__"] = _new_timer
        # a property would not do: PySide6 puts signals into each instance
        members["__getattribute__"] = lambda self, attribute: (
            _Timeout(self) if attribute == "timeout" else base.__getattribute__(self, attribute)
        )
    return _PythonQtClass(name, (base,), members)


def _first_of(base: type, function: str) -> Any:
    """The function without the filter in its result: PythonQt returns the file only, PySide6 both."""
    return lambda *args, **kwargs: getattr(base, function)(*args, **kwargs)[0]


class UiLoader(QtUiTools.QUiLoader):
    """Reads a .ui file with the wrapped classes; raises if the file names a class or object that does not exist."""

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        try:
            cls = custom_widgets.get(class_name) or getattr(sys.modules["qt"], class_name)
        except AttributeError:
            raise RuntimeError(
                f"the .ui file names a widget class without a stand-in in the host: {class_name}"
            ) from None
        widget = cls(parent)
        widget.setObjectName(name)
        self._made.append(widget)
        return widget

    def load(self, device: Any, parent: Any = None) -> Any:
        from xml.etree import ElementTree

        self._made: list[Any] = []
        root = ElementTree.fromstring(bytes(device.readAll()))
        wires = [
            {part.tag: part.text or "" for part in wire} for block in root.findall("connections") for wire in block
        ]
        for block in root.findall("connections"):
            root.remove(block)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is None:
            raise RuntimeError(f"the .ui file could not be read: {self.errorString()}")
        by_name = {
            QtCore.QObject.objectName(w): w for w in [widget, *QtCore.QObject.findChildren(widget, QtCore.QObject)]
        }
        for wire in wires:
            for end in ("sender", "receiver"):
                if wire[end] not in by_name:
                    raise RuntimeError(f"a connection of the .ui file names {wire[end]}, which is not in the file")
            slot = getattr(by_name[wire["receiver"]], wire["slot"].partition("(")[0])
            signal_by_signature(by_name[wire["sender"]], wire["signal"]).connect(slot)
        widget.__dict__["_kept_alive"] = (self, self._made)
        return widget


#: Widget classes besides Qt's that a .ui file may name; the ctk and qMRML stand-ins add theirs.
custom_widgets: dict[str, type] = {}
_wrapped: dict[str, Any] = {"QUiLoader": UiLoader}


def wrapped(name: str) -> Any:
    """The class or constant ``name`` with PythonQt's interface."""
    if name not in _wrapped:
        for source in _SOURCES:
            if hasattr(source, name):
                found = getattr(source, name)
                is_qobject = isinstance(found, type) and issubclass(found, QtCore.QObject)
                _wrapped[name] = _wrap(found, name) if is_qobject else found
                break
        else:
            raise AttributeError(f"module 'qt' has no attribute '{name}'")
    return _wrapped[name]


class _QtModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return wrapped(name)


def is_alive(qt_object: QtCore.QObject) -> bool:
    """Whether the C++ object still exists."""
    return bool(shiboken6.isValid(qt_object))


def install() -> ModuleType:
    """Make the module importable as ``qt``."""
    module = _QtModule("qt", __doc__)
    sys.modules["qt"] = module
    return module
