"""A zygote's process: `python -m grader.engine candidate|examiner DESCRIPTOR`."""

import os
import signal
import socket
import sys

from grader.engine import zygote

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grader to handle
zygote.main(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
os._exit(0)
