"""A zygote's process: `python -m grader.engine candidate|examiner DESCRIPTOR`."""

import gc

gc.disable()  # until everything is imported: it would look for garbage where there is none

import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from grader.engine import zygote  # noqa: E402
from grader.engine.zygote_messages import ZygoteRole  # noqa: E402

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader to handle
zygote.main(ZygoteRole(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
os._exit(0)
