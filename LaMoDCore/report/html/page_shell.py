"""What every page of this package has: templates with escaping, scripts with hashes, embedded data, a policy."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LaMoDCore.report.html.bokeh_script import bokeh_files

if TYPE_CHECKING:
    from jinja2 import Environment

#: Marks a file as a page of LaMoD, which may be replaced by a newer one.
GENERATOR = "LaMoD"
#: Bytes of a page that contain the mark.
_HEAD = 4096
_ASSETS = Path(__file__).parent / "assets"
#: Script that comes before Bokeh's.
_FIRST_SCRIPT = "style_nonce.js"
#: Characters of JSON that would end a script element or begin a comment in it.
_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def rendered(
    template: str,
    data: dict[str, Any],
    *,
    scripts: Sequence[str],
    styles: Sequence[str],
    print_style: str = "",
    **texts: Any,
) -> str:
    """A page of a template, with Bokeh's scripts and its own, or without any script.

    Args:
        template: file name of the template.
        data: what the scripts show, as JSON values.
        scripts: file names of the page's own scripts, in the order in which they are loaded; empty for a page that
            needs no script, not even Bokeh's.
        styles: file names of its styles.
        print_style: file name of its style on paper; "" for none.
        texts: variables of the template, which escapes them.

    Raises:
        LaMoDInputError: Bokeh is not installed.
    """
    loaded = []
    if scripts:
        libraries = [file.read_text(encoding="utf-8") for file in bokeh_files()]
        loaded = [_asset(_FIRST_SCRIPT), *libraries, "\n".join(map(_asset, scripts))]
    style, data_text = "\n".join(map(_asset, styles)), embedded_json(data)
    nonce = _digest(style + data_text)[:22]
    return (
        _environment()
        .get_template(template)
        .render(
            generator=GENERATOR,
            policy=content_security_policy(loaded, nonce),
            nonce=nonce,
            style=style,
            print_style=_asset(print_style) if print_style else "",
            scripts=loaded,
            data=data_text,
            **texts,
        )
    )


def is_page(path: Path) -> bool:
    """Whether a file is a page that LaMoD wrote.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return f'<meta name="generator" content="{GENERATOR}">'.encode() in file.read(_HEAD)


def embedded_json(data: Any) -> str:
    """JSON that is safe within a script element: plain ASCII without ``<``, ``>`` and ``&``."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)


def content_security_policy(scripts: Sequence[str], nonce: str) -> str:
    """A policy that permits these inline scripts, the styles with a nonce, and images that the page contains."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'nonce-{nonce}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
