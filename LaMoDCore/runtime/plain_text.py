"""Text from files, names and headers, made safe for terminals, tables and logs.

A file name or a header field may contain escape sequences that recolour or rewrite a terminal, characters that reverse
the direction of the text, and bytes that are not UTF-8. A spreadsheet runs a cell that begins with "=" as a formula.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Mapping
from typing import Any

#: First characters of a cell that spreadsheets take for a formula (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Typographic characters of messages, for terminals that cannot show them.
_ASCII = {
    "–": "-", "—": "-", "−": "-", "…": "...", "×": "x", "·": ".", "•": "*", "’": "'", "‘": "'", "“": '"', "”": '"',
    "≤": "<=", "≥": ">=", "±": "+-", "°": " deg", "²": "2", "³": "3", "µ": "u", "→": "->", "█": "#", "α": "alpha",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip
#: Error handler of `str.encode` that replaces a character the encoding lacks by ASCII.
PLAIN = "lamod-plain"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 slice", "2 slices"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def visible(text: str, *, keep: str = "") -> str:
    """Replace control, direction and invisible characters, and bytes that are not UTF-8, by their codes (``\\x1b``).

    Args:
        text: any text.
        keep: control characters that stay, such as a line feed.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() or unicodedata.category(c) == "Zs" else _code(c) for c in text)


def one_line(text: str, most: int = 4096) -> str:
    """`visible` text on one line with single spaces, at most `most` characters, shortened in the middle."""
    line = visible(" ".join(text.split()))
    if len(line) <= most:
        return line
    half = (most - 1) // 2
    return f"{line[:half]}…{line[-half:]}"


def _code(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def table_cell(value: Any) -> Any:
    """A value for a CSV file: text that a spreadsheet would run as a formula gets a leading apostrophe.

    Numbers, also numbers that are already formatted, do not change. `text_of_cell` is the inverse.
    """
    if not isinstance(value, str):
        return value
    text = visible(value, keep="\n")
    if not text.startswith(_FORMULA) and not value.startswith(_FORMULA):
        return text
    return text if _is_number(text) else f"'{text}"


def table_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """`table_cell` of every value of a row."""
    return {key: table_cell(value) for key, value in row.items()}


def text_of_cell(cell: str) -> str:
    """The text that `table_cell` wrote."""
    return cell[1:] if cell.startswith("'") and cell[1:2] in _FORMULA and cell[1:] else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, _code(character)) for character in text), error.end


codecs.register_error(PLAIN, _plain)
