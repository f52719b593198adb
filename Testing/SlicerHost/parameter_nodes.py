"""Stand-in for ``slicer.parameterNodeWrapper``: typed access to a parameter node, and its binding to widgets.

Supports the types that the module uses: MRML nodes (and unions of them), str, int, float, bool, Enum and
``pathlib.Path``; ``Annotated`` with ``WithinRange``, ``Choice`` and ``Default``. Any other type or annotation raises.
"""

from __future__ import annotations

import enum
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
import vtk


@dataclass(frozen=True)
class WithinRange:
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Default:
    value: Any


class Choice:
    def __init__(self, choices: list[Any]) -> None:
        self.choices = list(choices)


#: Slicer accepts more, but warns at every start about those for widgets, which belong in the .ui file.
_ANNOTATIONS = (WithinRange, Default, Choice)


class _Parameter:
    """One typed member: its storage in the node and its default."""

    def __init__(self, name: str, hint: Any, owner: type) -> None:
        self.name = name
        self.annotations: list[Any] = []
        if typing.get_origin(hint) is typing.Annotated:
            hint, *self.annotations = typing.get_args(hint)
        unknown = [a for a in self.annotations if not isinstance(a, _ANNOTATIONS)]
        if unknown:
            raise TypeError(f"{owner.__name__}.{name}: annotation not supported by the host: {unknown[0]!r}")
        self.is_union = typing.get_origin(hint) is typing.Union
        if typing.get_origin(hint) is types.UnionType:
            raise TypeError(f"{owner.__name__}.{name}: Slicer's selectors take typing.Union, not {hint!r}")
        if self.is_union and type(None) not in typing.get_args(hint):
            raise TypeError(f"{owner.__name__}.{name}: Slicer cannot write an empty {hint!r}: add None to it")
        self.members = [t for t in typing.get_args(hint) if t is not type(None)] if self.is_union else [hint]
        self.is_node = all(isinstance(t, type) and issubclass(t, slicer.vtkMRMLNode) for t in self.members)
        self.type = self.members[0]
        scalar = isinstance(self.type, type) and issubclass(self.type, (str, int, float, bool, enum.Enum, Path))
        if not self.is_node and (self.is_union or not scalar):
            raise TypeError(f"{owner.__name__}.{name}: type not supported by the host: {hint!r}")
        given = self.annotation(Default)
        self.default = (
            getattr(owner, name) if name in vars(owner) else given.value if given else self._natural_default()
        )

    def annotation(self, kind: type) -> Any:
        return next((a for a in self.annotations if isinstance(a, kind)), None)

    def _natural_default(self) -> Any:
        if self.is_node:
            return None
        choice = self.annotation(Choice)
        if choice:
            return choice.choices[0]
        return next(iter(self.type)) if issubclass(self.type, enum.Enum) else self.type()

    def is_in(self, node: Any) -> bool:
        return self.is_node or self.name in node.GetParameterNames()

    def write(self, node: Any, value: Any) -> None:
        self._validate(value)
        if self.is_node:
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        elif isinstance(value, enum.Enum):
            node.SetParameter(self.name, value.name)
        else:
            node.SetParameter(self.name, str(value))

    def _validate(self, value: Any) -> None:
        if self.is_node:
            if value is not None and not isinstance(value, tuple(self.members)):
                raise ValueError(f"{self.name}: a {type(value).__name__} is not one of {self.members}")
            return
        if not isinstance(value, (int, float) if self.type is float else self.type):
            raise ValueError(f"{self.name}: {value!r} is not of type {self.type.__name__}")
        within, choice = self.annotation(WithinRange), self.annotation(Choice)
        if within and not within.minimum <= value <= within.maximum:
            raise ValueError(f"{self.name}: {value} is outside {within.minimum}…{within.maximum}")
        if choice and value not in choice.choices:
            raise ValueError(f"{self.name}: {value!r} is not one of {choice.choices}")

    def read(self, node: Any) -> Any:
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.type is bool:
            return text == "True"
        return self.type[text] if issubclass(self.type, enum.Enum) else self.type(text)


class _Connection:
    """One widget bound to one parameter."""

    def __init__(self, widget: Any, parameter: _Parameter) -> None:
        self.widget, self.parameter = widget, parameter
        self.kind = self._kind()
        if parameter.is_node:
            widget.nodeTypes = [t.__name__ for t in parameter.members]
        within = parameter.annotation(WithinRange)
        if within:
            widget.minimum, widget.maximum = within.minimum, within.maximum
        elif self.kind == "slider":
            raise RuntimeError(f"{parameter.name}: a ctkSliderWidget needs a bounded type")
        if self.kind == "choice":
            widget.clear()
            for choice in self._choices():
                widget.addItem(getattr(type(choice), "label", lambda c: str(getattr(c, "name", c)))(choice))

    def _kind(self) -> str:
        """The kind of connector that Slicer would make; types are compared as strictly as in Slicer."""
        widget, parameter = self.widget, self.parameter
        numbers = (qt.QDoubleSpinBox, ctk.ctkSliderWidget)
        if type(widget) is slicer.qMRMLNodeComboBox and parameter.is_node:
            return "node"
        if type(widget) is qt.QCheckBox and parameter.type is bool:
            return "check"
        if type(widget) is qt.QComboBox and (parameter.annotation(Choice) or issubclass(parameter.type, enum.Enum)):
            return "choice"
        if type(widget) is qt.QSpinBox and parameter.type is int:
            return "number"
        if type(widget) in numbers and parameter.type in (int, float):
            return "slider" if type(widget) is ctk.ctkSliderWidget else "number"
        if type(widget) is qt.QLineEdit and parameter.type is str:
            return "text"
        raise RuntimeError(
            f"Slicer has no connector of a {type(widget).__name__} for {parameter.name} ({parameter.type})"
        )

    def _choices(self) -> list[Any]:
        choice = self.parameter.annotation(Choice)
        return choice.choices if choice else list(self.parameter.type)

    def signal(self) -> Any:
        names = {
            "node": "currentNodeChanged",
            "check": "toggled",
            "choice": "currentIndexChanged",
            "text": "textChanged",
        }
        return getattr(self.widget, names.get(self.kind, "valueChanged"))

    def read(self) -> Any:
        if self.kind == "node":
            return self.widget.currentNode()
        if self.kind == "choice":
            return self._choices()[self.widget.currentIndex]
        value = getattr(self.widget, {"check": "checked", "text": "text"}.get(self.kind, "value"))
        return self.parameter.type(value)

    def write(self, value: Any) -> None:
        if self.kind == "node":
            self.widget.setCurrentNode(value)
        elif self.kind == "choice":
            self.widget.currentIndex = self._choices().index(value)
        else:
            setattr(self.widget, {"check": "checked", "text": "text"}.get(self.kind, "value"), value)


class _WrapperMethods:
    """The methods that the decorator adds to the class."""

    def __init__(self, parameterNode: Any) -> None:
        self.parameterNode = parameterNode
        self._guis: dict[int, tuple[list[Any], int]] = {}
        self._updating = False
        for parameter in self.allParameters.values():
            if not parameter.is_in(parameterNode):
                parameter.write(parameterNode, parameter.default)

    def connectGui(self, gui: Any) -> int:
        connections = []
        for widget in vars(gui).values():
            name = widget.property("SlicerParameterName")
            if not name:
                continue
            if name not in self.allParameters:
                raise ValueError(f"the .ui file names a parameter that does not exist: {name}")
            connection = _Connection(widget, self.allParameters[name])
            connection.write(getattr(self, name))
            connection.slot = self._slot(connection)
            connection.signal().connect(connection.slot)
            connections.append(connection)
        tag = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._to_gui())
        self._guis[tag] = (connections, tag)
        return tag

    def _slot(self, connection: _Connection) -> Any:
        def to_node(*_: Any) -> None:
            if not self._updating:
                setattr(self, connection.parameter.name, connection.read())

        return to_node

    def _to_gui(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            for connections, _ in self._guis.values():
                for connection in connections:
                    connection.write(getattr(self, connection.parameter.name))
        finally:
            self._updating = False

    def disconnectGui(self, tag: int) -> None:
        connections, _ = self._guis.pop(tag, ([], 0))
        for connection in connections:
            connection.signal().disconnect(connection.slot)
        self.RemoveObserver(tag)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return int(self.parameterNode.AddObserver(event, callback, priority))

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def StartModify(self) -> Any:
        return self.parameterNode.StartModify()

    def EndModify(self, was_modifying: Any) -> None:
        self.parameterNode.EndModify(was_modifying)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def parameterNodeWrapper(cls: type) -> type:
    """Class decorator: each annotated member becomes a property that is stored in a parameter node."""
    parameters = {
        name: _Parameter(name, hint, cls) for name, hint in typing.get_type_hints(cls, include_extras=True).items()
    }
    members: dict[str, Any] = {
        name: property(
            lambda self, p=parameter: p.read(self.parameterNode),
            lambda self, value, p=parameter: p.write(self.parameterNode, value),
        )
        for name, parameter in parameters.items()
    }
    return type(
        cls.__name__,
        (_WrapperMethods, cls),
        {**members, "allParameters": parameters, "__module__": cls.__module__, "__doc__": cls.__doc__},
    )
