"""The screen of a grader: an answer, the model answer beside or below it, the barème and the keys.

All that is drawn goes through `safe`, the last door before the terminal: whatever Markdown made of
what students wrote, no control character and no escape sequence of theirs gets there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.rule import Rule
from rich.style import Style
from rich.table import Table
from rich.text import Text

from grader.authoring.rubric import AnswerKey
from grader.marking.answers import Draft, Question
from grader.marking.session import View
from grader.text import in_a_line, printable
from labo.french import compact

MAX_TEXT = 20_000  # characters of an answer that are shown
_WIDE = 120  # columns from which two texts stand side by side
_MIN_PAGE = 5  # lines
_KEYS = (
    ("Enter", "save, next"),
    ("f", "full"),
    ("0", "nothing"),
    ("s", "score"),
    ("c", "comment"),
    ("k", "skip"),
    ("u", "undo"),
    ("r", "raw"),
    ("↑↓", "scroll"),
    ("q", "quit"),
)

Line = StyleAndTextTuples

_console = Console()
_markdown = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
dollarmath_plugin(_markdown, allow_labels=False, double_inline=True)


@dataclass
class Screen:
    """A view as lines of a terminal, of whose text a page is seen at a time."""

    raw: bool = False
    """The answer as it was typed, not as Markdown."""
    top: int = 0
    """The first line of the text that is seen; drawing puts it within the text."""
    page: int = _MIN_PAGE
    """The lines of the text that are seen, as last drawn."""

    def lines(self, view: View, width: int, height: int) -> list[Line]:
        """The lines of a view, from the title to the keys."""
        head, foot = _lines(width, _head(view)), _lines(width, _foot(view))
        body = _body(view.question, view.text, self.raw, width)
        self.page = max(_MIN_PAGE, height - len(head) - len(foot) - 1)
        self.top = max(0, min(self.top, len(body) - self.page))
        seen = body[self.top : self.top + self.page]
        blank: list[Line] = [[]] * (self.page - len(seen))
        more = _lines(width, _more(len(body) - self.top - self.page))
        return [*head, *seen, *blank, *more, *foot]


def plain_lines(text: str, width: int) -> list[Line]:
    """The lines of a text alone."""
    return _lines(width, Text(text))


def safe(text: str) -> str:
    """The text as cells of one line; prompt_toolkit would colour no-break spaces."""
    return in_a_line(text).replace("\xa0", " ")


def _lines(width: int, *renderables: RenderableType) -> list[Line]:
    options = _console.options.update(width=width, height=None)
    return [
        [(_style(segment.style), safe(segment.text)) for segment in line]
        for renderable in renderables
        for line in _console.render_lines(renderable, options)
    ]


@cache
def _style(style: Style | None) -> str:
    """A style of Rich in prompt_toolkit's words, by way of the escape sequence that both know."""
    return to_formatted_text(ANSI((style or Style()).render("x")))[0][0]


@lru_cache(maxsize=2)
def _body(question: Question, text: str, raw: bool, width: int) -> list[Line]:
    """The answer and the model answer, side by side where there is room."""
    answer, key = _answer(text, raw), _key(question)
    if width < _WIDE:
        return _lines(width, answer, Text(), *key)
    left_width = width * 11 // 20
    left, right = _lines(left_width, answer), _lines(width - left_width - 3, *key)
    blank: Line = [("", " " * left_width)]
    return [[*(a or blank), ("dim", " │ "), *(b or [])] for a, b in zip_longest(left, right)]


def _head(view: View) -> RenderableType:
    return Text(f" {view.title} ", style="reverse", no_wrap=True, overflow="ellipsis")


def _answer(text: str, raw: bool) -> RenderableType:
    shown = printable(text)[:MAX_TEXT]
    if len(text) > MAX_TEXT:
        shown += f"\n\n[… {len(text) - MAX_TEXT} more characters: see formgrader]"
    if not shown.strip():
        return Text("(nothing was written)", style="dim italic")
    return Text(shown.expandtabs(4)) if raw else as_markdown(shown)


def _key(question: Question) -> list[RenderableType]:
    return [
        Rule("model answer", style="dim", align="left"),
        as_markdown(question.key.model),
        Text(),
        Rule("question", style="dim", align="left"),
        as_markdown(question.text),
    ]


def as_markdown(text: str) -> RenderableType:
    """Markdown whose formulas and HTML are shown as they were written; plain text if need be."""
    try:
        rendered = Markdown("", hyperlinks=False)
        rendered.parsed = [_shown(token) for token in _markdown.parse(text.expandtabs(4))]
        list(Console(width=40, file=None, record=False).render(rendered))
    except Exception:  # whatever a text does to the parser, it is read as it is
        return Text(text)
    return rendered


def _shown(token: Token) -> Token:
    """Formulas as code, which Rich would leave out; and what `&#x202e;` stands for, harmless."""
    token.content = printable(token.content)
    if token.type in ("math_inline", "math_inline_double"):
        dollars = "$" if token.type == "math_inline" else "$$"
        token.type, token.tag = "code_inline", "code"
        token.content = f"{dollars}{token.content}{dollars}"
    elif token.type == "math_block":
        token.type, token.tag, token.info = "fence", "code", "latex"
    token.children = token.children and [_shown(child) for child in token.children]
    return token


def _more(lines: int) -> RenderableType:
    return Rule(f"{lines} more lines ↓" if lines > 0 else "", style="dim", align="right")


def _foot(view: View) -> RenderableType:
    foot = Table.grid(padding=(0, 0))
    foot.add_row(_items(view.question.key, view.draft))
    foot.add_row(_decided(view))
    foot.add_row(Text(view.notice, style="yellow"))
    foot.add_row(_keys(len(view.question.key.items)))
    return foot


def _items(key: AnswerKey, draft: Draft) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for number, item in enumerate(key.items, start=1):
        ticked = item in draft.ticks
        row = (f" {number}", "✓" if ticked else "·", item.worth, item.text)
        table.add_row(*map(Text, row), style="bold green" if ticked else "")
    return table


def _decided(view: View) -> RenderableType:
    draft, question = view.draft, view.question
    score = "–" if draft.score is None else compact(draft.score)
    text = Text(f" score {score} / {compact(question.points)}", style="bold")
    if draft.override is not None and question.key.items:
        text.append(" (your own)", style="dim")
    if draft.comment:
        text.append("   " + draft.comment.replace("\n", " ¶ "), style="italic not bold")
    return text


def _keys(items: int) -> RenderableType:
    keys = ((f"1-{items}", "tick"), *_KEYS) if items else _KEYS
    text = Text(" ")
    for key, meaning in keys:
        text.append(key, style="bold cyan").append(f" {meaning}   ", style="dim")
    return text
