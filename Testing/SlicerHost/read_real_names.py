"""Writes ``real_names.json``: the names of the real ctk, qMRML and qSlicer classes that are visible in Python.

PythonQt exposes a QObject's Q_PROPERTYs as attributes and its signals, slots and Q_INVOKABLEs as methods, plus
the methods that Slicer's "PythonQtDecorators" add; other C++ methods do not exist in Python. All of these are
declared in the headers.

    python -m Testing.SlicerHost.read_real_names --ctk CTK_CHECKOUT --slicer SLICER_CHECKOUT
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path
from typing import Any

#: Every class that the module, its .ui files or the host's stand-ins use; base classes are added automatically.
CLASSES = [
    "ctkCollapsibleButton",
    "ctkSliderWidget",
    "ctkColorPickerButton",
    "ctkDoubleSpinBox",
    "ctkPathLineEdit",
    "ctkDirectoryButton",
    "ctkComboBox",
    "ctkMessageBox",
    "ctkRangeWidget",
    "qMRMLWidget",
    "qMRMLNodeComboBox",
    "qMRMLSliderWidget",
    "qMRMLSpinBox",
    "qMRMLSequenceBrowserPlayWidget",
    "qMRMLSequenceBrowserSeekWidget",
    "qMRMLSliceWidget",
    "qMRMLSliceView",
    "qMRMLSliceControllerWidget",
    "qMRMLThreeDWidget",
    "qMRMLThreeDView",
    "qMRMLLayoutManager",
    "qMRMLPlotWidget",
    "qMRMLPlotView",
    "qMRMLTableView",
    "qSlicerWidget",
    "qSlicerAbstractModuleWidget",
    "qSlicerScriptedLoadableModuleWidget",
    "qSlicerMarkupsPlaceWidget",
    "qSlicerAbstractCoreModule",
    "qSlicerAbstractModule",
    "qSlicerScriptedLoadableModule",
    "qSlicerLoadableModule",
    "qSlicerSequencesModule",
    "qSlicerModuleManager",
    "qSlicerAbstractModuleFactoryManager",
    "qSlicerModuleFactoryManager",
    "qSlicerLayoutManager",
    "qSlicerSingletonViewFactory",
    "qSlicerCoreApplication",
    "qSlicerApplication",
    "qSlicerCoreIOManager",
    "qSlicerIOManager",
    "qSlicerExtensionsManagerModel",
]

_ACCESS = re.compile(r"^\s*(public|protected|private)?\s*(Q_SLOTS|slots|Q_SIGNALS|signals)?\s*:(?!:)", re.MULTILINE)
_METHOD = re.compile(
    r"([~\w]+)\s*\(((?:[^()]|\([^()]*\))*)\)\s*(?:const|override|final|noexcept|=\s*0|=\s*default|\s)*(?:;|\{|:)"
)
_TYPE_WORDS = {"const", "struct", "class", "enum", "unsigned", "volatile"}


def without_comments(text: str) -> str:
    """The text without comments and preprocessor lines, and with empty string literals (which may contain "//")."""
    pattern = r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/'
    text = re.sub(pattern, lambda m: '""' if m.group(0)[0] == '"' else "", text, flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.MULTILINE)


def argument_type(argument: str) -> str:
    """The type in a normalised signature: ``const QString& name = ""`` -> ``QString``."""
    argument = re.sub(r"=.*", "", argument, flags=re.DOTALL).strip()
    found = re.match(r"((?:const\s+)?(?:unsigned\s+)?[\w:]+(?:<[^>]*>)?)\s*([*&]*)\s*\w*", argument)
    if found is None:
        return argument
    name, pointer = found.group(1), found.group(2)
    name = re.sub(r"^(const|struct|class)\s+", "", name)
    return name + pointer.replace("&", "")


def split_arguments(arguments: str) -> list[str]:
    parts, depth = [""], 0
    for character in arguments:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [p.strip() for p in parts if p.strip() and p.strip() != "void"]


def signatures(declarations: str) -> list[str]:
    """Every method of a class section, with one signature per optional argument."""
    found = []
    for name, arguments in _METHOD.findall(declarations):
        if name in {"Q_PROPERTY", "Q_DECLARE_PRIVATE", "Q_DISABLE_COPY", "QVTK_OBJECT", "Q_ENUM"} or name[0] == "~":
            continue
        parts = split_arguments(arguments)
        required = next((i for i, part in enumerate(parts) if "=" in part), len(parts))
        for count in range(required, len(parts) + 1):
            found.append(f"{name}({','.join(argument_type(p) for p in parts[:count])})")
    return sorted(set(found))


def class_body(text: str, name: str) -> tuple[str, str] | None:
    """(base class, body) of the class if ``text`` defines it."""
    head = re.search(rf"class\s+(?:\w+\s+)?{name}\s*(?:final\s*)?(?::\s*([^{{;]*))?\{{", text)
    if head is None:
        return None
    depth, end = 1, head.end()
    while depth and end < len(text):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    bases = re.findall(r"public\s+(?:virtual\s+)?(\w+)", head.group(1) or "")
    return (bases[0] if bases else ""), text[head.end() : end - 1]


def without_inner_braces(body: str) -> str:
    """The declarations only: text in braces (function bodies, enums) becomes a semicolon."""
    kept, depth = [], 0
    for character in body:
        depth -= character == "}"
        if depth == 0:
            kept.append(";" if character in "{}" else character)
        depth += character == "{"
    return "".join(kept)


def names_of(body: str) -> dict[str, Any]:
    """Properties, signals, slots and invokables of one class body."""
    enums = [
        value
        for block in re.findall(r"enum\s+\w*\s*\{([^}]*)\}", body)
        for value in re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", block.strip())
    ]
    body = without_inner_braces(body)
    properties = {
        m.group(1): "WRITE" in m.group(2) for m in re.finditer(r"Q_PROPERTY\(\s*[\w:<>*]+[\s*]+(\w+)([^)]*)\)", body)
    }
    signals: list[str] = []
    slots: list[str] = []
    marks = list(_ACCESS.finditer(body))
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        section = body[mark.end() : following.start() if following else len(body)]
        if mark.group(2) in ("Q_SIGNALS", "signals"):
            signals += signatures(section)
        elif mark.group(2) and mark.group(1) == "public":
            slots += signatures(section)
    invokables = []
    for start in re.finditer(r"Q_INVOKABLE", body):
        method = _METHOD.search(body, start.end())
        if method:
            invokables += signatures(method.group(0))
    return {"properties": properties, "signals": signals, "slots": slots, "invokables": invokables, "enums": enums}


class Checkout:
    """The headers of one git repository at HEAD, read without a work tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commit = self._git("rev-parse", "HEAD").strip()
        self.headers = {
            Path(p).name: p for p in self._git("ls-tree", "-r", "--name-only", "HEAD").splitlines() if p.endswith(".h")
        }

    def _git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.folder), *arguments], check=True, capture_output=True, encoding="utf-8"
        ).stdout

    def header(self, name: str) -> str | None:
        path = self.headers.get(name)
        return without_comments(self._git("show", f"HEAD:{path}")) if path else None


def decorated(checkouts: list[Checkout]) -> dict[str, list[str]]:
    """Methods that Slicer adds to classes for Python: ``type method(Class* self, …)`` -> ``method(…)``."""
    found: dict[str, list[str]] = {}
    for checkout in checkouts:
        for name in checkout.headers:
            if name.endswith("PythonQtDecorators.h"):
                for signature in signatures(checkout.header(name) or ""):
                    method, _, arguments = signature.partition("(")
                    static = re.fullmatch(r"static_([^_]+)_(\w+)", method)
                    if static:
                        found.setdefault(static.group(1), []).append(f"{static.group(2)}({arguments}")
                        continue
                    first, *rest = arguments.rstrip(")").split(",")
                    if first.endswith("*") and not method.startswith(("new_", "delete_")):
                        found.setdefault(first.rstrip("*"), []).append(f"{method}({','.join(rest)})")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ctk", type=Path, required=True)
    parser.add_argument("--slicer", type=Path, required=True)
    options = parser.parse_args()
    checkouts = [Checkout(options.ctk), Checkout(options.slicer)]
    extra = decorated(checkouts)
    classes: dict[str, Any] = {}
    waiting = list(CLASSES)
    while waiting:
        name = waiting.pop()
        text = next(filter(None, (c.header(f"{name}.h") for c in checkouts)), None)
        found = class_body(text, name) if text else None
        if name in classes or found is None:
            continue
        base, body = found
        classes[name] = {"base": base, **names_of(body), "decorators": sorted(extra.get(name, []))}
        waiting.append(base)
    missing = set(CLASSES) - classes.keys()
    if missing:
        raise SystemExit(f"no header found for {', '.join(sorted(missing))}")
    document = {
        "source": {"commontk/CTK": checkouts[0].commit, "Slicer/Slicer": checkouts[1].commit},
        "classes": dict(sorted(classes.items())),
    }
    target = Path(__file__).with_name("real_names.json")
    target.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
