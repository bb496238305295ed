"""The process that becomes both zygotes: `python -m grader.engine CANDIDATES EXAMINERS HOME`.

The first arguments are numbers of descriptors: of each zygote's control socket. The last is their
folder, removed at their end, as the grader may have been killed.
"""

import gc

gc.disable()  # until everything is imported: it would look for garbage where there is none

import os  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from grader.engine import zygote  # noqa: E402

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader to handle
*numbers, home = sys.argv[1:]
zygote.main(*(socket.socket(fileno=int(number)) for number in numbers))
shutil.rmtree(home, ignore_errors=True)
os._exit(0)
