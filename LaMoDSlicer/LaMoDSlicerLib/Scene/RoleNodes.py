"""Finds nodes by their role, which is saved with the scene."""

from typing import Any

import slicer

ATTRIBUTE = "LaMoD.Role"


def all(className: str, role: str) -> list[Any]:
    """Every node of a class with a role."""
    return [node for node in slicer.util.getNodesByClass(className) if node.GetAttribute(ATTRIBUTE) == role]


def find(className: str, role: str) -> Any:
    """The first node of a class with a role, or None."""
    return next(iter(all(className, role)), None)


def get(className: str, role: str, name: str, hidden: bool = False) -> Any:
    """The first node of a class with a role, created if the scene has none."""
    node = find(className, role)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass(className, name)
        node.SetAttribute(ATTRIBUTE, role)
        node.SetHideFromEditors(hidden)
    return node
