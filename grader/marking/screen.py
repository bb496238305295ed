"""What a grader sees: an answer, the model answer beside or below it, the barème and the keys.

All that students wrote goes through `_safe`, the last door before the terminal: whatever Markdown
made of it, no control character and no escape sequence of theirs gets there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.rule import Rule
from rich.segment import Segment, Segments
from rich.style import Style
from rich.table import Table
from rich.text import Text

from grader.authoring.rubric import AnswerKey
from grader.marking.answers import Draft, Question
from grader.text import printable
from labo.french import compact

MOST_TEXT = 20_000  # characters of an answer that are shown
_WIDE = 120  # columns from which two texts stand side by side
_LEAST_BODY = 5  # lines
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

Line = list[Segment]

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
dollarmath_plugin(_markdown, allow_labels=False, double_inline=True)


@dataclass(frozen=True)
class View:
    """All that is on the screen at a time."""

    question: Question
    draft: Draft
    title: str
    text: str
    notice: str = ""
    raw: bool = False


@dataclass
class Screen:
    """Draws views on a terminal, or prints them one after the other where there is none."""

    console: Console
    top: int = 0  # the first line of the text that is seen
    page: int = field(default=_LEAST_BODY, init=False)

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self.console.set_alt_screen(True)
            self.console.show_cursor(False)
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self.console.show_cursor(True)
            self.console.set_alt_screen(False)

    def scroll(self, lines: int) -> None:
        """Move within the text; drawing stops at its ends."""
        self.top += lines

    def show(self, view: View) -> None:
        """Draw a view."""
        head, foot = self._lines(_head(view)), self._lines(_foot(view))
        body = self._body(view)
        if self.console.is_terminal:
            self.page = max(_LEAST_BODY, self.console.height - len(head) - len(foot) - 1)
            self.top = max(0, min(self.top, len(body) - self.page))
            body = [*self._part(body), *self._lines(_more(len(body) - self.top - self.page))]
        self._draw([*head, *body, *foot])

    def say(self, text: str) -> None:
        """Draw one text alone."""
        self._draw(self._lines(Text(text)))

    def prompt(self) -> None:
        """Go to the last line, where a text will be typed."""
        if self.console.is_terminal:
            self.console.show_cursor(True)
            self.console.file.write(f"\x1b[{self.console.height};1H\x1b[2K")
            self.console.file.flush()

    def _part(self, body: list[Line]) -> list[Line]:
        seen = body[self.top : self.top + self.page]
        return seen + [[]] * (self.page - len(seen))

    def _body(self, view: View) -> list[Line]:
        answer, key = _answer(view), _key(view.question)
        if self.console.width < _WIDE:
            return self._lines(answer, Text(), *key)
        width = self.console.width * 11 // 20
        left, right = self._lines(answer, width=width), self._lines(*key, width=-width - 3)
        blank = [Segment(" " * width)]
        bar = Segment(" │ ", Style(dim=True))
        return [[*(a or blank), bar, *(b or [])] for a, b in zip_longest(left, right)]

    def _lines(self, *renderables: RenderableType, width: int = 0) -> list[Line]:
        """Lines of `width` columns, or of so many fewer than the window has if it is negative."""
        columns = width if width > 0 else self.console.width + width
        options = self.console.options.update(width=columns, height=None)
        lines = []
        for renderable in renderables:
            lines += self.console.render_lines(renderable, options)
        return [[_safe(segment) for segment in line] for line in lines]

    def _draw(self, lines: Sequence[Line]) -> None:
        if not self.console.is_terminal:
            self._write(segment for line in lines for segment in [*line, Segment.line()])
            return
        self.console.show_cursor(False)
        write = self.console.file.write
        for row, line in enumerate(lines[: self.console.height], start=1):
            write(f"\x1b[{row};1H\x1b[2K")
            self._write(line)
        write("\x1b[0J")  # what is left of a longer screen
        self.console.file.flush()

    def _write(self, segments: Iterable[Segment]) -> None:
        self.console.print(Segments(segments), end="", soft_wrap=True)


def _safe(segment: Segment) -> Segment:
    text = printable(segment.text).replace("\n", " ").replace("\t", " ")
    return Segment(text, segment.style)


def _head(view: View) -> RenderableType:
    return Text(f" {view.title} ", style="reverse", no_wrap=True, overflow="ellipsis")


def _answer(view: View) -> RenderableType:
    text = printable(view.text)[:MOST_TEXT]
    if len(view.text) > MOST_TEXT:
        text += f"\n\n[… {len(view.text) - MOST_TEXT} more characters: see formgrader]"
    if not text.strip():
        return Text("(nothing was written)", style="dim italic")
    return Text(text.expandtabs(4)) if view.raw else as_markdown(text)


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
    score, most = view.draft.score, compact(view.question.points)
    shown = "–" if score is None else compact(score)
    text = Text(f" score {shown} / {most}", style="bold")
    if view.draft.own is not None and view.question.key.items:
        text.append(" (your own)", style="dim")
    if view.draft.words:
        text.append("   " + view.draft.words.replace("\n", " ¶ "), style="italic not bold")
    return text


def _keys(items: int) -> RenderableType:
    keys = ((f"1-{items}", "tick"), *_KEYS) if items else _KEYS
    text = Text(" ")
    for key, meaning in keys:
        text.append(key, style="bold cyan").append(f" {meaning}   ", style="dim")
    return text
