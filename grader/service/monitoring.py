"""Does the service answer, and how fast? For who watches machines: no name, nothing of a lab.

Asked of the page's process, which goes on when the service has ended or waits for a disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from tornado.web import HTTPError, RequestHandler

from grader.course import Course
from grader.service.attempts import moment
from grader.service.holder import held_here
from grader.service.status import BEAT, EXCHANGE, Status, free_bytes, read_status, utc_now

FULL: Final = 50_000_000  # bytes: an answer, a page and a submission still fit
STUCK: Final = timedelta(minutes=30)  # three times what a notebook may run
PREFIX: Final = "grader_"
_SCOPE: Final = "read:metrics"  # the hub's, of those who may read its own figures
_FAILING: Final = {
    EXCHANGE: "the exchange is away, or nothing can be taken from it",
    BEAT: "the exchange cannot be written",
}


def reasons(course: Course, status: Status, now: datetime) -> list[str]:
    """Why hand-ins are not answered now; none if they are."""
    return [*_of_the_process(course, status, now), *_of_the_disks(course, status)]


def _of_the_process(course: Course, status: Status, now: datetime) -> Iterator[str]:
    if not status.is_alive(now):
        yield "stuck: it has not said anything for long" if held_here(course) else "not running"
        return
    if status.waiting + status.running and now - moment(status.progress) > STUCK:
        yield "stuck: hand-ins wait, and none of them is done"
    yield from (words for name, words in _FAILING.items() if name in status.troubles)


def _of_the_disks(course: Course, status: Status) -> Iterator[str]:
    for folder, free in _room(course, status).items():
        if free < FULL:
            yield f"disk full: {folder}"


def _room(course: Course, status: Status) -> dict[str, int]:
    """Bytes that are free, by folder; the course's own now: a full one keeps no status."""
    found = {"course": free_bytes(course.root), "exchange": status.exchange_free}
    return {folder: free for folder, free in found.items() if free is not None}


def metrics(course: Course, status: Status, now: datetime) -> bytes:
    """The same in Prometheus's text format, with counts and times."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(course, status, now))
    return generate_latest(registry)


class _Collected(Collector):
    """The figures of one moment."""

    def __init__(self, course: Course, status: Status, now: datetime) -> None:
        self.course, self.status, self.now = course, status, now

    def collect(self) -> Iterator[Metric]:
        status, figures = self.status, self.status.figures
        alive = status.is_alive(self.now)
        healthy = not reasons(self.course, status, self.now)
        looked = moment(status.looked).timestamp() if status.looked else 0.0
        yield _gauge("serving", "1 while the service runs", alive)
        yield _gauge("healthy", "1 while hand-ins are answered, as /health says", healthy)
        yield _gauge("hand_ins_waiting", "Taken, and not yet running", status.waiting)
        yield _gauge("hand_ins_running", "Running, or not yet recorded", status.running)
        yield _gauge("deposits_refused", "Left in the exchange: see the page", len(status.refused))
        yield _gauge("troubles", "What is tried again: see the page", len(status.troubles))
        yield _counter("hand_ins_taken", "Hand-ins taken", figures.taken)
        yield _counter("hand_ins_answered", "Hand-ins graded and recorded", figures.answered)
        yield _counter("hand_ins_failed", "Hand-ins left to a person", figures.failed)
        yield HistogramMetricFamily(
            PREFIX + "answer_seconds",
            "From taking a hand-in to its answer",
            buckets=figures.buckets,
            sum_value=figures.seconds,
        )
        yield _gauge("last_look_timestamp_seconds", "Last look at the exchange", looked)
        free = GaugeMetricFamily(PREFIX + "free_bytes", "Room on the disk", labels=["folder"])
        for folder, room in _room(self.course, status).items():
            free.add_metric([folder], room)
        yield free


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, words, value=value)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, words, value=value)


class Health(RequestHandler):
    """200 while hand-ins are answered; 503 with the reasons why they are not."""

    def initialize(self, course: Course) -> None:
        self.course = course

    def set_default_headers(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")

    def get(self) -> None:
        found = reasons(self.course, read_status(self.course), utc_now())
        self.set_status(503 if found else 200)
        self.finish("\n".join(found or ["ok"]) + "\n")


class Metrics(Health):
    """Figures for Prometheus, which say how long the queue is: students are not to see that."""

    def get(self) -> None:
        user = self.current_user
        if not user or _SCOPE not in user.get("scopes", ()):
            raise HTTPError(403)
        self.finish(metrics(self.course, read_status(self.course), utc_now()))
