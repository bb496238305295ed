"""The course's pages, asked for as somebody; the hub is a pretended one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.testing import bind_unused_port

from grader.course import Course
from grader.service.web import Groups, application

BASE = "/services/cours/"
TEACHES = {"prof": ["enseignants"], "tara": ["auxiliaires"]}
SCOPES = {"prometheus": ["access:services!service=cours", "read:metrics"]}


class PretendedHub:
    """Says who somebody is by a header, in the place of the hub's OAuth."""

    def get_current_user(self):
        name = self.request.headers.get("X-User")
        if not name:
            return None
        groups, scopes = TEACHES.get(name, []), SCOPES.get(name, [])
        return {"name": name, "groups": groups, "admin": name == "root", "scopes": scopes}

    def get_login_url(self):
        return "/hub/login"


@contextmanager
def asking(course: Course) -> Iterator[Callable[..., HTTPResponse]]:
    """A function that asks for a page as a user, "" for nobody, or sends a form."""
    loop = IOLoop(make_current=False)

    def asked(user: str, path: str, body: dict | None = None, **headers: str) -> HTTPResponse:
        async def fetch() -> HTTPResponse:
            pages = application(
                course, Groups("enseignants", "auxiliaires"), BASE, PretendedHub, []
            )
            socket, port = bind_unused_port()
            server = HTTPServer(pages)
            server.add_sockets([socket])
            try:
                return await AsyncHTTPClient().fetch(
                    f"http://127.0.0.1:{port}{BASE}{path}",
                    method="GET" if body is None else "POST",
                    body=None if body is None else urlencode(body),
                    headers={"X-User": user} | headers,
                    follow_redirects=False,
                    raise_error=False,
                )
            finally:
                server.stop()

        return loop.run_sync(fetch)

    yield asked
    loop.close()
