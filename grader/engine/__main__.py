"""The process that becomes both zygotes: `python -m grader.engine CANDIDATES EXAMINERS`.

Each argument is the number of a descriptor: that of a zygote's control socket.
"""

import gc

gc.disable()  # until everything is imported: it would look for garbage where there is none

import os  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from grader.engine import zygote  # noqa: E402

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader to handle
zygote.main(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
os._exit(0)
