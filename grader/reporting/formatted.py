"""A student's written answer as HTML: its Markdown, and its formulas as pictures.

Nothing else of it becomes markup: HTML, links and images of the text are shown as they were typed,
and the page needs neither a script nor a font from elsewhere.
"""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

_LONGEST_FORMULA = 400  # characters
_MOST_FORMULAS = 60
_MOST_DEEP = 12  # braces in one another
_WIDEST = 1200  # points
_DOLLARS: dict[str, Any] = {  # as in a notebook, but for "de 5$ à 6$"
    "allow_labels": False,
    "allow_space": False,
    "allow_digits": False,
    "double_inline": True,
}
_DPI = 144  # drawn at twice the size at which it is shown


def formatted(text: str) -> Markup:
    """The HTML of an answer in Markdown."""
    parser = MarkdownIt("commonmark", {"html": False})
    parser.enable(["strikethrough", "table"]).disable(["image", "link", "autolink", "reference"])
    formulas = _Formulas()
    dollarmath_plugin(parser, **_DOLLARS, renderer=formulas.render)
    return Markup(parser.render(text))


class _Formulas:
    """The formulas of one answer, some of them at the most."""

    def __init__(self) -> None:
        self.left = _MOST_FORMULAS

    def render(self, source: str, options: dict[str, Any]) -> str:
        """A formula as a picture; as it was typed, where it is none that can be drawn."""
        self.left -= 1
        shown = _picture(" ".join(source.split())) if self.left >= 0 else None
        if shown is None:
            dollars = "$$" if options["display_mode"] else "$"
            return Markup("<code>{}</code>").format(f"{dollars}{source.strip()}{dollars}")
        png, width, drop = shown
        style = f"width: {width:.2f}em; vertical-align: {-drop:.2f}em"
        return Markup(
            '<img class="formula" alt="{}" style="{}" src="data:image/png;base64,{}">'
        ).format(source.strip(), style, png)


@cache
def _picture(source: str) -> tuple[str, float, float] | None:
    """A PNG in base64, its width and what hangs below the line, in em; None if it is too much."""
    if len(source) > _LONGEST_FORMULA or _depth(source) > _MOST_DEEP:
        return None
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser, math_to_image

    size = 10.0
    properties = FontProperties(size=size, math_fontfamily="cm")
    try:
        parsed = MathTextParser("path").parse(f"${source}$", dpi=72, prop=properties)
        if not 0 < parsed.width < _WIDEST or not 0 < parsed.height < _WIDEST:
            return None
        stream = io.BytesIO()
        math_to_image(f"${source}$", stream, prop=properties, dpi=_DPI, format="png")
    except (ValueError, RecursionError, RuntimeError):  # what mathtext does not know
        return None
    png = base64.b64encode(stream.getvalue()).decode()
    return png, parsed.width / size, parsed.depth / size


def _depth(source: str) -> int:
    deepest = depth = 0
    for sign in source:
        depth += (sign == "{") - (sign == "}")
        deepest = max(deepest, depth)
    return deepest
