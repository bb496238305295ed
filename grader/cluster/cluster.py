"""Grading on a cluster: `Cluster` runs notebooks as `Engine` does, on nodes of Slurm or of dask.

The head node keeps all that is written: it sends each notebook to a node (`grader.cluster.node`),
takes its outcome, and `grader.grading.autograde` records it. A node that is lost
costs what it was running, which another runs again. docs/cluster.md tells how to use it.
"""

from __future__ import annotations

import queue
import uuid
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from grader.cluster.node_engine import Settings, job_message
from grader.cluster.places import TRIES, Place, check_installed
from grader.engine import Engine, EngineConfig, Job, Outcome
from grader.errors import GraderError

if TYPE_CHECKING:
    from distributed import Future

    from grader.cluster.node import NodeReply

_LOOK_SECONDS = 3.0  # between two looks at the jobs


class Cluster:
    """Runs notebooks on the nodes of a cluster. Use as a context manager, in the place of `Engine`.

    Args:
        workers: notebooks run at a time on each node; what fits there by default.

    Raises (from `map`):
        GraderError: a node cannot isolate as required, or has another version; no node can come;
            the nodes of some notebooks were lost several times. What was yielded before counts.
    """

    def __init__(self, config: EngineConfig, place: Place, workers: int | None = None) -> None:
        check_installed()
        self.config = config
        self.place = place
        self.workers = workers

    @cached_property
    def version(self) -> str:
        """As `Engine.version`, which each node's must equal."""
        return Engine(self.config).version

    def __enter__(self) -> Cluster:
        with ExitStack() as stack:
            stack.enter_context(_dask_settings())
            self.client = stack.enter_context(self.place.client(self.config.memory_mb))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def map(self, jobs: Iterable[Job]) -> Generator[Outcome]:
        """The outcomes of these notebooks, of one lab, as they come."""
        jobs = list(jobs)
        if not jobs:
            return
        from grader.cluster.node import Grading

        settings = Settings(jobs[0].source, self.config, self.version, self.workers)
        self.client.register_plugin(Grading(settings.to_json()))
        try:
            yield from self._outcomes(jobs)
        finally:
            with suppress(Exception):  # of a cluster that is gone already
                self.client.unregister_worker_plugin(Grading.name)

    def _outcomes(self, jobs: list[Job]) -> Iterator[Outcome]:
        ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        waiting = {future: job for job in jobs if (future := self._submit(job))}
        lost = []
        try:
            for future in waiting:
                future.add_done_callback(ended.put)
            while waiting:
                try:
                    future = ended.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    self.place.look()
                    continue
                job = waiting.pop(future)
                outcome = _outcome(future)
                if outcome is None:
                    lost.append(job.key)
                else:
                    yield outcome
        finally:
            self.client.cancel(list(waiting))
        if lost:
            raise GraderError(
                f"nodes were lost {TRIES} times or more while they ran {', '.join(sorted(lost))}:"
                " the others are recorded, and the same command tries these again"
            )

    def _submit(self, job: Job) -> Future:
        from grader.cluster.node import NotebookTask, run

        task = NotebookTask(job.key, job_message(job))
        key = f"notebook-{uuid.uuid4().hex}"  # says nothing of whose it is
        return self.client.submit(run, task, key=key, retries=TRIES, pure=False)


def _outcome(future: Future) -> Outcome | None:
    """The outcome that a node sent; None when nodes were lost too often."""
    from distributed.scheduler import KilledWorker

    from grader.cluster.node import NodeError

    try:
        reply: NodeReply = future.result()
    except (KilledWorker, NodeError):
        return None
    except Exception as error:  # dask's own: a worker that cannot import the grader, for example
        raise GraderError(f"a node could not run a notebook: {error}") from error
    finally:
        future.release()
    if reply.refusal:
        raise GraderError(f"a node refuses to grade. {reply.refusal}")
    return Outcome.from_json(reply.outcome.decode())


@contextmanager
def _dask_settings() -> Iterator[None]:
    """Dask's configuration for a grading, as long as this is open."""
    import dask

    settings = {
        "distributed.scheduler.allowed-failures": TRIES,
        "distributed.scheduler.worker-ttl": "60s",  # a node without a word for so long is lost
        "distributed.scheduler.http.routes": [],  # no page tells others what is graded
        "distributed.deploy.lost-worker-timeout": "3s",  # then it is replaced
        "distributed.logging.distributed": "critical",  # this module says what matters
    }
    with dask.config.set(settings):
        from distributed.config import initialize_logging

        initialize_logging(dask.config.config)
        yield
