"""An examiner process: receives one job from the grader, examines, sends the outcome back."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Final

from grader.engine.examiner import Budgets, Examiner
from grader.engine.peer import Gone, Late, Peer
from grader.engine.report import Outcome

HEADER: Final = struct.Struct(">cI")
JOB, OUTCOME, INTERRUPT, WHY, BECAUSE, ALONE = b"J", b"O", b"I", b"W", b"B", b"A"


def main(link: socket.socket, grader: socket.socket) -> None:
    """Serve one job; `link` leads to its candidate."""
    _, data = receive(grader)
    job = json.loads(data)

    def why() -> str:
        send(grader, WHY)
        return receive(grader)[1].decode()

    examiner = Examiner(
        Peer(link, lambda _: b""),
        job["source"],
        budgets=Budgets(**job["budgets"]),
        mode=job["mode"],
        interrupt=lambda: send(grader, INTERRUPT),
        why=why,
    )
    try:
        examiner.greet()
    except (Gone, Late):
        send(grader, ALONE)
        return
    notebook, report = examiner.run(job["notebook"])
    send(grader, OUTCOME, Outcome(job["key"], notebook, report).to_json().encode())


def send(sock: socket.socket, kind: bytes, data: bytes = b"") -> None:
    """Send one message."""
    sock.sendall(HEADER.pack(kind, len(data)) + data)


def receive(sock: socket.socket) -> tuple[bytes, bytes]:
    """The next message.

    Raises:
        EOFError: the other side has closed.
    """
    kind, length = HEADER.unpack(_read(sock, HEADER.size))
    return kind, _read(sock, length)


def _read(sock: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = sock.recv(length - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def job_message(key: str, notebook: Any, source: Any, budgets: dict, mode: str) -> bytes:
    """What `main` reads."""
    job = {"key": key, "notebook": notebook, "source": source, "budgets": budgets, "mode": mode}
    return json.dumps(job).encode()
