"""What the servers of a hub do when students submit and the instructor collects, without Jupyter.

A server has nbgrader loaded, and belongs to one user of the system: so here one process loads it,
and each user's is a fork of that. Reads who and what from its input, in JSON, and tells what came
of it.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from traitlets.config import Config

from grader.course import Course

PAUSE = 0.3  # seconds between two students, so that they meet several collects


def submit(exchange: str, course: str, lab: str) -> None:
    """As nbgrader's assignment list does in a student's server, whose folder is their home."""
    config = Config()
    config.CourseDirectory.course_id = course
    config.CourseDirectory.assignment_id = lab
    config.Exchange.root = exchange
    directory, authenticator = CourseDirectory(config=config), Authenticator(config=config)
    factory = ExchangeFactory(config=config)
    factory.Submit(coursedir=directory, authenticator=authenticator, config=config).start()


def collect(config: Config, lab: str, running: Path, log: Path) -> None:
    """As formgrader does in the instructor's server, again and again."""
    directory, authenticator = CourseDirectory(config=config), Authenticator(config=config)
    api = NbGraderAPI(coursedir=directory, authenticator=authenticator, config=config)
    while running.exists():
        done = api.collect(lab)
        with log.open("a") as stream:
            stream.write(json.dumps(done) + "\n")


def forked(name: str, umask: int, work: Callable[[], None]) -> int:
    """Start a process of this user, in their home; its number."""
    if number := os.fork():
        return number
    status = 1
    try:
        user = pwd.getpwnam(name)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.umask(umask)
        os.environ.update(HOME=user.pw_dir, USER=name, LOGNAME=name)
        os.chdir(user.pw_dir)
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def main() -> None:
    asked = json.load(sys.stdin)
    lab, config = asked["lab"], Course(Path(asked["root"])).config
    running, log = Path(asked["running"]), Path(asked["log"])
    teacher = forked(*asked["teacher"], lambda: collect(config, lab, running, log))
    servers = []
    for student in asked["students"]:
        work = partial(submit, asked["exchange"], asked["course"], lab)
        servers.append(forked(*student, work))
        time.sleep(PAUSE)
    told = []
    for number in servers:
        _, status, used = os.wait4(number, 0)
        told.append((status, used.ru_utime + used.ru_stime))
    running.unlink()
    os.waitpid(teacher, 0)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
