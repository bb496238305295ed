"""`grader mark` on a terminal: what each key does to the session, and how it is drawn.

prompt_toolkit reads the keys, edits lines, follows the window's size and leaves the terminal as it
was, whatever ends the session.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Float,
    FloatContainer,
    FormattedTextControl,
    Layout,
    Window,
)
from prompt_toolkit.layout.processors import (
    BeforeInput,
    Processor,
    Transformation,
    TransformationInput,
)

from grader.authoring.rubric import MAX_ITEMS
from grader.grading import lateness
from grader.marking.answers import Question, State
from grader.marking.claims import Claims
from grader.marking.screen import Screen, plain_lines, safe
from grader.marking.session import NEW_LINE, Action, Current, Next, Session, TypedAction
from labo.french import compact


def mark_question(question: Question, wanted: Collection[State]) -> str:
    """Have a person mark the answers in a `wanted` state; a summary of what was done.

    Raises:
        KeyboardInterrupt: Ctrl-C, or a window that was closed; what was claimed is given back.
    """
    with Claims(question.claims) as claims:
        session = Session(question, wanted, claims)
        Marking(session).run()
    lateness.refresh(question.lab.course)
    return session.summary()


class Marking:
    """A session, its keys, its screen, and the line in which scores and comments are typed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.screen = Screen()
        self.label = ""
        self.typed: TypedAction = Session.comment
        self.line = Buffer(multiline=False, accept_handler=self._accept)
        self.view = Window(FormattedTextControl(self._draw, focusable=True, show_cursor=False))
        self.application: Application[None] = Application(
            layout=Layout(self._windows(), focused_element=self.view),
            key_bindings=self._keys(),
            full_screen=True,
            erase_when_done=True,
        )

    def run(self) -> None:
        """Until the grader leaves, or the terminal is closed."""
        with suppress(EOFError):
            self.application.run(pre_run=self._start)

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupt)
        self.session.open_next()

    def _interrupt(self) -> None:
        self._fail(KeyboardInterrupt())

    def _fail(self, error: BaseException) -> None:
        """End with an error, once the terminal is as it was."""
        if not self.application.is_done:
            self.application.exit(exception=error)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Errors that end the session; prompt_toolkit would show them and go on."""
        try:
            yield
        except Exception as error:
            self._fail(error)

    # ---- The screen

    def _windows(self) -> FloatContainer:
        """The view, the last lines of which are covered while a text is typed."""
        line = BufferControl(self.line, [_Safe(), BeforeInput(lambda: self.label)])
        covered = ConditionalContainer(Window(line, wrap_lines=True), has_focus(self.line))
        return FloatContainer(self.view, [Float(covered, left=0, right=0, bottom=0)])

    def _draw(self) -> StyleAndTextTuples:
        session, size = self.session, self.application.output.get_size()
        with self._failing():
            if view := session.view:
                lines = self.screen.lines(view, size.columns, size.rows)
            else:
                lines = plain_lines(session.farewell(), size.columns)
            return [piece for line in lines for piece in (*line, ("", "\n"))]
        return []

    # ---- The keys

    def _keys(self) -> KeyBindings:
        typing = has_focus(self.line)
        nothing_typed = Condition(lambda: not self.line.text)
        keys = KeyBindings()
        for key, action in self._actions().items():
            keys.add(key, filter=~typing)(partial(self._press, action))
        keys.add("u", filter=~typing)(lambda _: self._follow(self.session.undo))
        keys.add("escape", filter=~typing, eager=True)(self._drop)
        for key in ("c-c", "<sigint>"):
            keys.add(key, filter=~typing)(lambda _: self._interrupt())
            keys.add(key, filter=typing)(lambda _: self._stop_typing())
        keys.add("c-d", filter=typing & nothing_typed)(lambda _: self._stop_typing())
        return keys

    def _actions(self) -> dict[str, Action]:
        return {
            Keys.Any: Session.stay,
            "enter": Session.save,
            "c-j": Session.save,
            "k": Session.skip,
            "q": Session.leave,
            "c-d": Session.leave,
            **{str(n): partial(Session.toggle, number=n) for n in range(1, MAX_ITEMS + 1)},
            "f": Session.give_all,
            "0": Session.give_nothing,
            "s": self._ask_score,
            "c": self._ask_comment,
            "r": self._toggle_raw,
            "up": partial(self._scroll, lines=-1),
            "down": partial(self._scroll, lines=1),
            "pageup": partial(self._scroll, pages=-1),
            "pagedown": partial(self._scroll, pages=1),
            " ": partial(self._scroll, pages=1),
        }

    def _press(self, action: Action, event: KeyPressEvent) -> None:
        self._follow(lambda: self.session.do(action))

    def _drop(self, event: KeyPressEvent) -> None:
        """Escape alone, or the beginning of a key without a name, whose digits would tick."""
        event.key_processor.empty_queue()
        self._press(Session.stay, event)

    def _follow(self, act: Callable[[], Next]) -> None:
        with self._failing():
            match act():
                case Next.ANOTHER:
                    self.screen = Screen()
                case Next.LEAVE:
                    self.application.exit()

    def _scroll(self, session: Session, current: Current, lines: int = 0, pages: int = 0) -> Next:
        self.screen.top += lines + pages * self.screen.page
        return Next.STAY

    def _toggle_raw(self, session: Session, current: Current) -> Next:
        self.screen.raw = not self.screen.raw
        return Next.STAY

    # ---- Texts that are typed

    def _ask_score(self, session: Session, current: Current) -> Next:
        points = compact(session.question.points)
        return self._ask(f"score, from 0 to {points}: ", "", Session.give)

    def _ask_comment(self, session: Session, current: Current) -> Next:
        text = current.draft.comment.replace("\n", NEW_LINE)
        return self._ask(f"comment ({NEW_LINE} for a new line): ", text, Session.comment)

    def _ask(self, label: str, text: str, action: TypedAction) -> Next:
        self.label, self.typed = label, action
        self.line.reset(Document(text))
        self.application.layout.focus(self.line)
        return Next.STAY

    def _accept(self, line: Buffer) -> bool:
        text, typed = line.text, self.typed
        self._stop_typing()
        self._follow(
            lambda: self.session.do(lambda session, current: typed(session, current, text))
        )
        return False

    def _stop_typing(self) -> None:
        self.application.layout.focus(self.view)


class _Safe(Processor):
    """The last door for what is typed or pasted, character by character."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        fragments = transformation_input.fragments
        return Transformation([(style, "".join(map(safe, text))) for style, text, *_ in fragments])
