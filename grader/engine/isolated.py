"""Tests that run in the examiner, and see the student's objects through the boundary."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from typing import Any

from grader.engine import french
from grader.engine.alarm import alarm
from grader.engine.bounds import MAX_TOLD
from grader.engine.conversation import Conversation, brief
from grader.engine.names import (
    Imports,
    StudentNames,
    bound_names,
    compiled,
    graded_text,
    notebook_names,
    statements,
)
from grader.engine.natures import WrongNature
from grader.engine.one_process import (
    AuthorFacts,
    MainModule,
    answers_to_input,
    check_test,
)
from grader.engine.own_files import watched
from grader.engine.peer import Gone, Late
from grader.engine.report import Status
from grader.engine.scores import Examined, Reason, graded
from grader.engine.student_error import StudentError, UnsupportedAcrossBoundary
from grader.notebook import Notebook, is_test
from labo import checks
from labo.bans import forbidden
from labo.bans.program import Program, program_of
from labo.coursework.notebook import unanswered


def prepare(source: Notebook) -> None:
    """Read an author's notebook before processes are forked that will examine with it."""
    facts = AuthorFacts(source)
    cells = [cell for cell in source["cells"] if cell["cell_type"] == "code"]
    for statement in Program([cell["source"] for cell in cells]).statements:
        _ = statement.uses
    for test in filter(is_test, cells):
        compiled(test["source"])
        check_test(test["source"], facts, ())


class IsolatedTests:
    """The tests of one notebook, and the names that they share.

    Args:
        source: the author's notebook.
        their_modules: those that students write, beside it.
    """

    def __init__(
        self, conversation: Conversation, source: Notebook, their_modules: Sequence[str] = ()
    ) -> None:
        self.conversation = conversation
        self.remote = conversation.remote
        imports = Imports(source, their_modules)
        self.notebook_names = notebook_names(source) | imports.theirs
        self.student = StudentNames(self.remote, self.notebook_names, imports.failed)
        self.student.on_fetch = self._on_fetch
        self.endless: set[str] = set()  # names that a test used which was stopped
        # A test's own names come first, then Python's, then the student's.
        self.names = {
            "__name__": "__main__",
            "__builtins__": self.student,
            **imports.names,
        }
        self.facts = AuthorFacts(source)
        self.remote.author_classes = self.facts.classes
        self.remote.special_methods = self.facts.special_methods
        self.remote.before_call = lambda: answers_to_input(self.names)
        if isinstance(main := sys.modules["__main__"], MainModule):
            main.of_the_notebook = self.notebook_names
        self.remote.streams.secret = graded_text(source)
        self.author_cells = {cell["source"] for cell in source["cells"]}
        self._open_checks()

    def rebind(self, source: str) -> None:
        """When a student cell rebinds a name, drop the value that an earlier test bound to it.

        Only where the author's notebook binds it too: else a student could take the place of what
        one test defines for the next ones.
        """
        bound = bound_names(statements(source))
        self.endless -= bound
        for name in bound & self.notebook_names:
            self.names.pop(name, None)

    def run(self, source: str, points: float) -> Examined:
        """Run a test worth `points`."""
        printed = io.StringIO()
        self.remote.printed.clear()
        self.remote.lacked_name = False
        examined = self._examine(source, points, printed)
        if examined.status is Status.TIMEOUT:
            self.endless |= self.student.fetched.keys()
        self.student.fetched.clear()
        self.conversation.forget()
        text = (printed.getvalue() + "".join(self.remote.printed))[:MAX_TOLD]
        if not text:
            return examined
        return replace(
            examined, outputs=({"output_type": "stream", "name": "stdout", "text": text},)
        )

    def _on_fetch(self, name: str) -> None:
        if name in self.endless:
            self.conversation.shorten()

    def _examine(self, source: str, points: float, printed: io.StringIO) -> Examined:
        deadline = self.conversation.allow_cell()
        try:
            self.remote.stdout = printed
            with (
                redirect_stdout(printed),
                redirect_stderr(io.StringIO()),
                alarm(deadline, self.conversation.peer),
            ):
                value = self._value(source)
            return self._graded(value, points, printed.getvalue())
        except Late:
            return Examined(Status.TIMEOUT, 0.0, self.conversation.stop_cell())
        except Gone as error:
            return Examined(Status.ERROR, 0.0, self.conversation.lose(error))
        except UnsupportedAcrossBoundary as error:
            self.conversation.note(brief(error))
            return Examined(Status.ERROR, 0.0, french.not_a_test())
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            # An assertion, student code's, what a wrong result causes, or the test's own.
            reason = Reason.UNANSWERED if unanswered(error) else self._reason()
            return Examined(Status.FAILED, 0.0, _failure(error), reason=reason)

    def _value(self, source: str) -> Any:
        """Run a test; the value of its last expression."""
        body, last = compiled(source)
        check_test(source, self.facts, self.names)
        self.remote.streams.start(source)
        with watched():
            exec(body, self.names)
            value = eval(last, self.names)
        self.remote.raise_trouble()
        return value

    def _graded(self, value: Any, points: float, printed: str) -> Examined:
        examined = graded(value, points)
        if examined.status is Status.ERROR:
            self.conversation.note(examined.message)
        if examined.status is Status.PARTIAL:  # the test says itself what is missing
            message = f"{examined.message}\n{printed}".strip()[:MAX_TOLD]
            return replace(examined, message=message, reason=self._reason())
        return examined

    def _reason(self) -> Reason:
        return Reason.UNKNOWN if self.remote.lacked_name else Reason.ANSWER

    def _open_checks(self) -> None:
        """Let `labo.checks` reach across the boundary."""
        checks.build = lambda factory, /, *args, **kwargs: self.remote.apply(
            "call", factory, *args, **kwargs
        )
        checks.random_state = lambda: self.remote.apply("random_state")
        checks.states_of = lambda *models: self.remote.apply("states_of", *models)
        checks.parameters_of = lambda model: self.remote.apply("parameters_of", model)
        checks.modes_of = lambda model: self.remote.apply("modes_of", model)
        checks.equal_to = lambda *given: self.remote.apply("equal_to", *given)
        checks.assembled = lambda recipe: self.remote.apply("assembled", recipe)
        checks.in_turn = self.remote.in_turn
        checks.recorded = self._recorded
        checks.recorded_in_turn = self._recorded_in_turn
        checks.forbid = self._forbid
        checks.source_of = self._source_of

    def _recorded(self, function: Any, /, *args: Any, **kwargs: Any) -> checks.Recorded:
        return checks.seen(*self.remote.applied("call", (function, *args), kwargs, record=True))

    def _recorded_in_turn(self, *calls: tuple) -> checks.Recorded:
        return checks.seen(*self.remote.recorded_in_turn(*calls))

    def _forbid(
        self, exercise: Any, *words: str, loops: bool = False, recursion: bool = False
    ) -> None:
        """Read the cells that the student's process was given, which it cannot forge."""
        names = [n for n, found in self.student.fetched.items() if found is exercise]
        if not names:
            raise UnsupportedAcrossBoundary(
                "labo.checks.forbid knows what a test finds under a name of the notebook"
            )
        cells = self.conversation.sources
        theirs = [cell for cell in cells if cell not in self.author_cells]
        forbidden.check_rewriting(theirs)
        program = program_of(*cells)
        for other in sorted(forbidden.given_unnamed(theirs, program)):
            self.conversation.note_once(
                f"the notebook gives {other}, of a library, an attribute whose name it computes:"
                " see that no exercise computes with it"
            )
        for name in names:
            forbidden.check(program, name, words, loops=loops, recursion=recursion)
            doubts = forbidden.check_live(program, name, words, self.remote.compared, loops=loops)
            for other in sorted(doubts.replaced & forbidden.patched(theirs)):
                self.conversation.note_once(
                    "the notebook puts a function of its own in the place of a library's"
                    f" {other}: see that {name} does not compute with it"
                )
            for other in sorted(doubts.held):
                self.conversation.note_once(
                    f"a value that {name} reads holds what it must not use, {other}, which it"
                    " does not write: see that it does not compute with it"
                )
            for other in sorted(doubts.by_magic):
                self.conversation.note_once(
                    f"{name} reads {other}, which a command of IPython binds: see what it is"
                )

    def _source_of(self, value: Any) -> str:
        """The definition of what a test found under a name of the student's notebook."""
        names = {name for name, found in self.student.fetched.items() if found is value}
        for source in reversed(self.conversation.sources):
            for node in reversed(statements(source)):
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                    return ast.unparse(node)
        raise UnsupportedAcrossBoundary(
            "labo.checks.source_of knows functions and classes that a cell defines by def or class"
        )


def _failure(error: BaseException) -> str:
    """The message of a failed test: its author's, or the student's own traceback."""
    if isinstance(error, StudentError):
        return french.raised(type(error).__name__, str(error), error.frames)
    if isinstance(error, AssertionError):
        return str(error) or french.failed()
    if isinstance(error, NameError):  # the test's own
        return french.undefined(error.name or "?")
    if isinstance(error, WrongNature):
        return french.wrong_nature(str(error))
    return french.broke_the_test(brief(error))
