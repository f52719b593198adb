"""Finds nodes by their role, which is saved with the scene."""

from typing import Any

import slicer

ATTRIBUTE = "LaMoD.Role"


def find(className: str, role: str) -> Any:
    """The first node of a class with a role, or None."""
    for node in slicer.util.getNodesByClass(className):
        if node.GetAttribute(ATTRIBUTE) == role:
            return node
    return None


def get(className: str, role: str, name: str, hidden: bool = False) -> Any:
    """The first node of a class with a role, created if the scene has none."""
    node = find(className, role)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass(className, name)
        node.SetAttribute(ATTRIBUTE, role)
        node.SetHideFromEditors(hidden)
    return node
