"""The course's pages, as a service of JupyterHub: who is who, and what each may see.

Authentication is the hub's (`HubOAuth`); roles are its groups. A student's addresses name no
student: the name is the session's. Nothing that a submission wrote is more than text here, and the
feedback pages come in a sandbox, with a policy that runs and loads nothing. `health` is for
everybody, and `metrics` for whom the hub allows to read its own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final
from urllib.parse import urlsplit

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import Application, HTTPError, RequestHandler, authenticated

from grader.course import Course
from grader.errors import GraderError
from grader.grading import extending
from grader.reporting.pages import environment
from grader.service.attempts import Attempt, State, Why
from grader.service.monitoring import Health, Metrics
from grader.service.policy import Counts, Tell, When, change_policy
from grader.service.site import Site, has_page
from grader.service.status import utc_now

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_SANDBOX: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
_CHOICES: Final = (
    ("tell", "Told of a hand-in", tuple(Tell)),
    ("when", "When", tuple(When)),
    ("counts", "The hand-in that counts", tuple(Counts)),
)
_PARENT_MILLISECONDS: Final = 1000
_TEMPLATES = environment("grader.service")


class Role(IntEnum):
    """What somebody may do; each includes those before."""

    STUDENT = 0
    ASSISTANT = 1
    """Sees the class."""
    INSTRUCTOR = 2
    """Sets policies, and gives extensions."""


@dataclass(frozen=True)
class Groups:
    """The hub's groups of those who teach."""

    instructors: str
    assistants: str

    def role(self, user: dict[str, Any]) -> Role:
        """By the hub's account of a user; who is in neither group is a student, admins too."""
        groups = user.get("groups") or []
        if self.instructors in groups:
            return Role.INSTRUCTOR
        return Role.ASSISTANT if self.assistants in groups else Role.STUDENT


class Page(RequestHandler):
    """What all pages share. Another base tells who somebody is: `HubOAuthenticated`, or a test."""

    least = Role.STUDENT

    def initialize(self, course: Course, groups: Groups, base: str, titles: dict[str, str]) -> None:
        self.groups = groups
        self.base = base
        self.site = Site(course, titles=titles)

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    @property
    def user(self) -> dict[str, Any]:
        return self.current_user

    @property
    def role(self) -> Role:
        return self.groups.role(self.user)

    def allow(self) -> None:
        """Refuse who may not see this page as one that is not there."""
        if self.role < self.least:
            raise HTTPError(404)

    def show(self, template: str, language: str, **values: object) -> None:
        values |= {"base": self.base, "site": self.site, "language": language}
        values |= {"live": not self.get_argument("still", ""), "status": self.site.status}
        self.finish(_TEMPLATES.get_template(template).render(values, now=utc_now()))

    def write_error(self, status_code: int, **_: object) -> None:
        words = {403: "Accès refusé.", 404: "Page introuvable."}
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{status_code}. {words.get(status_code, 'Cette page ne peut être montrée.')}")


class StudentPage(Page):
    """One's own labs: no address of it names anybody."""

    @authenticated
    def get(self) -> None:
        name = self.user["name"]
        labs = list(self.site.student(name))
        self.show(
            "student.html.j2",
            "fr",
            student=name,
            labs=labs,
            score=sum(lab.score for lab in labs),
            max_score=sum(lab.max_score for lab in labs),
            alive=self.site.status.is_alive(utc_now()),
            teaching=self.role >= Role.ASSISTANT,
            state=french_state,
            has_page=lambda lab, attempt: self._has_page(lab, name, attempt),
        )

    def _has_page(self, lab: str, student: str, attempt: Attempt) -> bool:
        return has_page(self.site.course.lab(lab).parts[0], student, attempt)


class OwnFeedback(Page):
    """The feedback page of one's own hand-in."""

    @authenticated
    def get(self, lab: str, handed_in: str) -> None:
        self.feedback(lab, self.user["name"], handed_in)

    def feedback(self, lab: str, student: str, handed_in: str) -> None:
        try:
            text = self.site.page(lab, student, handed_in)
        except GraderError:
            raise HTTPError(404) from None
        self.set_header("Content-Security-Policy", _SANDBOX)
        self.finish(text)


class AnyFeedback(OwnFeedback):
    """That of a student, for those who teach."""

    least = Role.ASSISTANT

    @authenticated
    def get(self, lab: str, student: str, handed_in: str) -> None:  # type: ignore[override]
        self.allow()
        self.feedback(lab, student, handed_in)


class ClassPage(Page):
    least = Role.ASSISTANT

    @authenticated
    def get(self) -> None:
        self.allow()
        labs = self.site.class_labs()
        self.show("class.html.j2", "en", labs=labs, students=len(self.site.class_list))


class LabPage(StudentPage):
    """One lab of the class."""

    least = Role.ASSISTANT

    @authenticated
    def get(self, lab: str) -> None:  # type: ignore[override]
        self.allow()
        try:
            found = self.site.class_lab(lab)
        except GraderError:
            raise HTTPError(404) from None
        self.show(
            "lab.html.j2",
            "en",
            lab=found,
            missing=[name for name in self.site.class_list if name not in found.counting],
            may_set=self.role is Role.INSTRUCTOR,
            has_page=self._has_page,
        )


class SettingsPage(Page):
    """The policy of a lab, and more time for a student."""

    least = Role.INSTRUCTOR

    @authenticated
    def get(self, lab: str) -> None:
        self.allow()
        self.form(lab)

    @authenticated
    def post(self, lab: str) -> None:
        self.allow()
        try:
            self.site.known(lab)
            said = self._set_policy(lab) if self._is_policy else self._extend(lab)
        except GraderError as error:
            said = str(error)
        self.site = Site(self.site.course, titles=self.site.titles)
        self.form(lab, said)

    @property
    def _is_policy(self) -> bool:
        return self.get_body_argument("what", "") == "policy"

    def _set_policy(self, lab: str) -> str:
        names = ("tell", "when", "per_day", "counts", "kept_back")
        values = {name: self.get_body_argument(name, "") for name in names}
        return f"Set: {change_policy(self.site.course, lab, values)}."

    def _extend(self, lab: str) -> str:
        student, until = (self.get_body_argument(name) for name in ("student", "until"))
        extending.give(self.site.course, lab, student, until)
        return f"{student} has time until {until}."

    def form(self, lab: str, said: str = "") -> None:
        try:
            found = self.site.class_lab(lab)
        except GraderError:
            raise HTTPError(404) from None
        self.show(
            "settings.html.j2",
            "en",
            lab=found,
            said=said,
            choices=_CHOICES,
            students=self.site.class_list,
            extensions=self.site.extensions,
            xsrf=_text(self.xsrf_token),
        )


def _text(token: bytes | str) -> str:
    return token.decode() if isinstance(token, bytes) else token


_WHY: Final = {
    Why.POLICY: "reçue ; rien n'en est dit pour l'instant",
    Why.DUE_DATE: "reçue ; dite après l'échéance",
    Why.LIMIT: "reçue ; plus de réponse ce jour-là",
    Why.OTHER_COUNTS: "reçue ; une autre compte",
}


def french_state(attempt: Attempt) -> str:
    """How far a hand-in is, for its student: the same before and after it ran, until it is told."""
    if attempt.state is State.TROUBLE:
        return "n'a pas pu être corrigée : l'équipe du cours est prévenue"
    if attempt.told is not Tell.NOTHING:
        return "corrigée"
    return _WHY[attempt.why] if attempt.why else "reçue, en cours de correction"


def application(
    course: Course, groups: Groups, base: str, authentication: type, extra: list, **settings: Any
) -> Application:
    """The pages below `base`, an address that ends in a slash.

    Args:
        authentication: a class whose `get_current_user` gives the hub's account of a user.
        extra: handlers that it needs.
    """
    watched: dict[str, object] = {"course": course}
    shared = watched | {"groups": groups, "base": base, "titles": {}}
    part = "([^/]+)"
    pages = [
        ("", StudentPage),
        (f"page/{part}/{part}", OwnFeedback),
        ("class", ClassPage),
        (f"class/{part}", LabPage),
        (f"class/{part}/{part}/{part}", AnyFeedback),
        (f"settings/{part}", SettingsPage),
    ]
    routes = [
        (base + path, type(page.__name__, (authentication, page), {}), shared)
        for path, page in pages
    ]
    routes += [
        (f"{base}health", Health, watched),
        (f"{base}metrics", type(Metrics.__name__, (authentication, Metrics), {}), watched),
    ]
    return Application([*routes, *extra], xsrf_cookies=True, **settings)


def run(course: Course, groups: Groups) -> None:
    """Serve the pages where JupyterHub has told, until the process ends.

    Raises:
        GraderError: this was not started by JupyterHub.
    """
    address = os.environ.get("JUPYTERHUB_SERVICE_URL", "")
    base = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if not address or not base:
        raise GraderError(
            "grader page is started by JupyterHub, which tells it where: c.JupyterHub.services,"
            " docs/service.md"
        )
    from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated

    callback = (f"{base}oauth_callback", HubOAuthCallbackHandler)
    pages = application(
        course, groups, base, HubOAuthenticated, [callback], cookie_secret=os.urandom(32)
    )
    where = urlsplit(address)
    HTTPServer(pages, xheaders=True).listen(where.port or 80, where.hostname or "127.0.0.1")
    end_with_parent()
    IOLoop.current().start()


def end_with_parent() -> None:
    """Leave the address to the pages of the next hub, whose token is another, if this one dies."""
    parent, loop = os.getppid(), IOLoop.current()

    def look() -> None:
        if os.getppid() != parent:
            loop.stop()

    PeriodicCallback(look, _PARENT_MILLISECONDS).start()
