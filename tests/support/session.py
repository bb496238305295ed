"""What lives as long as the tests: closed at their end, or with the process of a benchmark."""

import atexit
from contextlib import ExitStack

AT_THE_END = ExitStack()
atexit.register(AT_THE_END.close)
