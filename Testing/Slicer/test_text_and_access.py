"""Text and access: translatable, sentence case, a tooltip for every control, the keyboard, text at 150 %."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from Testing.Slicer import reading_heart
from Testing.Slicer.ring_heart import grid

ROOT = Path(__file__).resolve().parents[2] / "LaMoDSlicer"
UI_FILES = sorted((ROOT / "Resources" / "UI").glob("*.ui"))
CODE = sorted(ROOT.rglob("*.py"))
OPTION = re.compile(r"(?<![\w-])--[a-z]")
#: Names and abbreviations that keep their capitals inside a sentence.
NAMES = {
    *("Segment", "Editor", "Strain", "Ecc", "Err", "Dice", "Sample", "Data", "Predict", "Stop", "Resume"),
    *("LaMoD", "Slicer", "PyTorch", "Jacobian", "Cartesian", "Check", "Find", "Up", "Down", "Space"),
}
#: Buttons without a verb: what they open is a noun that Slicer uses as well.
NOUNS = {"Previous", "Next", "ED", "ES", "Keys", "…", "◀", "▶", "CSV…", "PDF report…", "DICOM…", "Movie…", "Enlarge…"}
VERBS = {
    *("Accept", "Add", "Analyse", "Cancel", "Carry", "Check", "Close", "Compare", "Copy", "Delete", "Draw", "Edit"),
    *("Estimate", "Evaluate", "Export", "Find", "Generate", "Import", "Load", "Measure", "Open", "Play", "Predict"),
    *("Preview", "Remove", "Rename", "Repair", "Save", "Select", "Show", "Start", "Stop", "Resume", "Swap", "Undo"),
    *("Use", "Write"),
}


def _ui_strings(*names: str) -> list[tuple[str, str, str, str]]:
    """Class, name, property and text of the widgets' properties with these names."""
    found = []
    for path in UI_FILES:
        for widget in ElementTree.parse(path).getroot().iter("widget"):
            for prop in widget.findall("property"):
                text = prop.findtext("string")
                if text and prop.get("name") in names:
                    found.append((widget.get("class", ""), widget.get("name", ""), prop.get("name", ""), text))
    return found


def test_no_text_in_a_ui_file_is_excluded_from_translation():
    for path in UI_FILES:
        excluded = [s.text for s in ElementTree.parse(path).getroot().iter("string") if s.get("notr") == "true"]
        assert [text for text in excluded if re.search("[A-Za-z]{2}", text or "")] == [], path.name


def test_no_text_of_the_panel_mentions_a_command_line_option():
    texts = _ui_strings("text", "toolTip", "title", "placeholderText", "suffix", "prefix", "whatsThis")
    assert [each for each in texts if OPTION.search(each[3])] == []
    for path in CODE:
        for text in _translated(path):
            assert not OPTION.search(text), f"{path.name}: {text}"


def _translated(path: Path) -> list[str]:
    """The arguments of _("…") in a file."""
    return [
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
        if node.args and isinstance(node.args[0], ast.Constant)
    ]


#: Attributes and functions that show text.
SHOWN = {"text", "toolTip", "windowTitle", "title", "placeholderText", "plainText"}
SHOWING = {
    *("setText", "setToolTip", "setWindowTitle", "setPlainText", "showMessage", "_showMessage", "addAction"),
    *("InputError", "confirmOkCancelDisplay", "confirmYesNoDisplay", "errorDisplay", "enable", "tryWithErrorDisplay"),
}


def _words(node: ast.AST) -> list[str]:
    """Literal words of an expression that are shown as they are: not inside _("…") or another call."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and re.search("[A-Za-z]{3}", node.value) else []
    if isinstance(node, ast.JoinedStr):
        texts = [re.sub("</?[a-z]+[^>]*>|&[a-z]+;", "", v.value) for v in node.values if isinstance(v, ast.Constant)]
        return [text for text in texts if re.search("[A-Za-z]{3}", text)]
    if isinstance(node, ast.IfExp):
        return _words(node.body) + _words(node.orelse)
    if isinstance(node, ast.BinOp):
        return _words(node.left) + _words(node.right)
    return []


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.name)
def test_every_text_in_code_can_be_translated(path):
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign):
            shown = [t for t in node.targets if isinstance(t, ast.Attribute) and t.attr in SHOWN]
            found += [(node.lineno, word) for word in _words(node.value) if shown]
        elif isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name in SHOWING:
                found += [(node.lineno, word) for argument in node.args for word in _words(argument)]
    assert found == []


def test_titles_and_buttons_are_in_sentence_case():
    """A capital first, then small letters except in names and abbreviations."""
    wrong = []
    for _class, name, _property, text in _ui_strings("text", "title"):
        if name.endswith("Label") and not text.endswith(":") and "." in text:
            continue  # a sentence
        first, *others = re.findall(r"[\w–-]+", text) or ["A"]
        capitals = [w for w in others if w[:1].isupper() and not w.isupper() and w not in NAMES]
        starts = first[:1].isupper() or not first[:1].isalpha() or name == "everyLabel"
        if not starts or capitals:
            wrong.append((name, text))
    assert wrong == []


def test_no_content_widens_the_panel():
    """Names of files, nodes and models can be long: neither a list nor a message may be as wide as they are."""
    loose = []
    for path in UI_FILES:
        for widget in ElementTree.parse(path).iter("widget"):
            list_policy = widget.findtext("property[@name='sizeAdjustPolicy']/enum", "")
            horizontal = widget.find("property[@name='sizePolicy']/sizepolicy")
            wraps = widget.findtext("property[@name='wordWrap']/bool") == "true"
            is_loose = (
                not list_policy.endswith("AdjustToMinimumContentsLengthWithIcon")
                if widget.get("class") == "QComboBox"
                else wraps and (horizontal is None or horizontal.get("hsizetype") != "Ignored")
            )
            if is_loose:
                loose.append(f"{path.name}: {widget.get('name')}")
    assert not loose, "\n".join(loose)


def test_buttons_have_verbs():
    buttons = [each for each in _ui_strings("text") if each[0] in ("QPushButton", "QToolButton")]
    texts = [text for _class, _name, _property, text in buttons]
    assert len(texts) > 30
    assert [t for t in texts if t not in NOUNS and t.split()[0].rstrip("…") not in VERBS | NOUNS] == []


CONTROLS = ("QAbstractButton", "QComboBox", "QAbstractSpinBox", "QLineEdit", "QAbstractSlider", "QTableWidget")


@pytest.fixture
def opened(slicer_app, ring):
    """The panel with every section open; its controls."""
    sections = _sections(slicer_app)
    before = [bool(section.collapsed) for section in sections]
    for section in sections:
        section.collapsed = False
    slicer_app.settle()
    yield slicer_app
    for section, collapsed in zip(sections, before, strict=True):
        section.collapsed = collapsed
    slicer_app.settle()


def _sections(app: SimpleNamespace) -> list[Any]:
    return [w for w in _children(app, "QAbstractButton") if type(w).__name__ == "ctkCollapsibleButton"]


def _children(app: SimpleNamespace, *classes: str) -> list[Any]:
    """The widgets of the panel of these Qt classes, without the parts of other widgets."""
    from PySide6 import QtWidgets

    found = [w for w in QtWidgets.QWidget.findChildren(app.application._shown, QtWidgets.QWidget)]
    return [w for w in found if isinstance(w, _kinds(*classes))]


def _kinds(*classes: str) -> tuple[type, ...]:
    from PySide6 import QtWidgets

    return tuple(getattr(QtWidgets, name) for name in classes)


COMPOSITES = ("ctkSliderWidget", "qMRMLNodeComboBox", "qMRMLSequenceBrowser", "qSlicerMarkupsPlaceWidget")


def _is_part(widget: Any) -> bool:
    """Whether a widget is an inner part of another one, such as the line edit of a spin box."""
    from PySide6 import QtCore

    name = _name(widget)
    if not name or name.startswith(("qt_", "ScrollLeft", "ScrollRight")):
        return True
    parent = QtCore.QObject.parent(widget)
    return parent is not None and type(parent).__name__.startswith(COMPOSITES)


def _name(widget: Any) -> str:
    from PySide6 import QtCore

    return str(QtCore.QObject.objectName(widget))


def test_every_control_has_a_tooltip(opened):
    from PySide6 import QtWidgets

    missing = [
        _name(widget)
        for widget in _children(opened, "QWidget")
        if (isinstance(widget, _kinds(*CONTROLS)) or type(widget).__name__.startswith(COMPOSITES))
        if not _is_part(widget) and type(widget).__name__ != "ctkCollapsibleButton"
        if not QtWidgets.QWidget.toolTip(widget)
    ]
    assert not missing, ", ".join(missing)


def test_every_control_is_reached_by_the_keyboard(opened):
    from PySide6 import QtCore, QtWidgets

    tab = QtCore.Qt.FocusPolicy.TabFocus
    unreachable = [
        _name(widget)
        for widget in _children(opened, *CONTROLS)
        if not _is_part(widget) and not QtWidgets.QWidget.focusPolicy(widget) & tab
    ]
    assert not unreachable, ", ".join(unreachable)


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_no_text_is_clipped(opened, scale):
    """Also at 150 %, where the panel may become wider, but not wider than half of a small screen; at 100 %, no section
    widens it by more than a tenth, whatever the tests before have shown in it."""
    from PySide6 import QtWidgets

    with _font(opened, scale):
        clipped = [found for widget in _children(opened, "QWidget") if (found := _clipped(widget))]
        _forget_sizes(opened)
        width = opened.window._panel.minimumSizeHint().width()
        hints = [(QtWidgets.QWidget.minimumSizeHint(w).width(), _name(w)) for w in _children(opened, "QWidget")]
        wide = sorted([each for each in hints if each[0] > 330], reverse=True)
    assert not clipped, "\n".join(clipped)
    limit = 1.1 * opened.window._panel.LEAST_WIDTH if scale == 1.0 else scale * 512
    assert width <= limit, f"sections widen the panel: {wide}"


def _forget_sizes(app: SimpleNamespace) -> None:
    """Discard the cached sizes of layouts, which follow a change of their contents at the next event only."""
    from PySide6 import QtWidgets

    for widget in (app.application._shown, *_children(app, "QWidget")):
        layout = QtWidgets.QWidget.layout(widget)
        if layout is not None:
            layout.invalidate()


@contextmanager
def _font(app: SimpleNamespace, scale: float) -> Iterator[None]:
    """Text of another size, as the system's settings scale it."""
    from PySide6 import QtGui, QtWidgets

    application = QtWidgets.QApplication.instance()
    font = QtGui.QFont(application.font())
    large = QtGui.QFont(font)
    large.setPointSizeF(scale * font.pointSizeF())
    application.setFont(large)
    app.settle()
    try:
        app.mouse.spin(0.5)
        yield
    finally:
        application.setFont(font)
        app.settle()


@pytest.fixture
def with_result(opened, tmp_path):
    """The panel with every section open, a result with warnings and volumes, and its reading room."""
    from LaMoDSlicerLib.Results import ResultImport

    from LaMoDCore.heart.notes import note

    levels = ("base", "base", "mid", "mid", "apex")
    rings = reading_heart.slices(levels, grid(64, 2.8))
    reading_heart.write_reading(tmp_path / "result", rings, [reading_heart.motion_of(s) for s in rings])
    node = ResultImport.load(tmp_path / "result")
    text = "A long sentence that explains what was found in this slice and why it may matter for the result."
    numbers = node.numbers()
    node.setNumbers(replace(numbers, notes=(*numbers.notes, note("wall_too_thin", text), note("cycles_differ", text))))
    opened.widget._parameters.resultBrowser = node.browsers()[0]
    opened.settle()
    room = opened.widget.readingPanel.ui.roomButton
    room.checked = True
    opened.settle()
    yield opened
    room.checked = False
    opened.settle()


def test_no_text_of_a_result_is_clipped(with_result):
    """The answer below Predict Strain, and the reading room; also at 150 %."""
    from PySide6 import QtWidgets

    sheet = with_result.widget.readingPanel.sheet
    assert "GCS" in with_result.widget.ui.headlineLabel.text
    clipped = []
    for scale in (1.0, 1.5):
        with _font(with_result, scale):
            widgets = _children(with_result, "QWidget")
            for index in range(sheet.ui.tabs.count):
                sheet.ui.tabs.setCurrentIndex(index)
                with_result.settle()
                widgets += QtWidgets.QWidget.findChildren(sheet.widget, QtWidgets.QWidget)
            clipped += [f"{scale}: {found}" for widget in widgets if (found := _clipped(widget))]
            sheet.ui.tabs.setCurrentIndex(0)
    assert not clipped, "\n".join(dict.fromkeys(clipped))


def _clipped(widget: Any) -> str:
    """Name and text of a widget whose text does not fit; "" if it does or is not shown."""
    from PySide6 import QtWidgets

    if not QtWidgets.QWidget.isVisible(widget):
        return ""
    size, needed = QtWidgets.QWidget.size(widget), QtWidgets.QWidget.sizeHint(widget)
    if isinstance(widget, QtWidgets.QLabel):
        text = QtWidgets.QLabel.text(widget)
        if not text or QtWidgets.QLabel.pixmap(widget).width():
            return ""
        if QtWidgets.QLabel.wordWrap(widget):
            height = QtWidgets.QLabel.heightForWidth(widget, size.width())
            return f"{_name(widget)}: {text}" if size.height() < height else ""
    elif isinstance(widget, (QtWidgets.QPushButton, QtWidgets.QCheckBox, QtWidgets.QToolButton)):
        text = QtWidgets.QAbstractButton.text(widget)
    else:
        return ""
    # a button may be narrower than its comfortable size, not than its text
    least = QtWidgets.QWidget.fontMetrics(widget).size(0, text).width()
    room = size.width() - (needed.width() - least if isinstance(widget, QtWidgets.QCheckBox) else 0)
    return f"{_name(widget)}: {text}" if text and room < least else ""
