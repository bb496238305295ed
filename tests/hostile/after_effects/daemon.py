# A process that leaves its parent, its session and its group, and stays.
# score: 3
# status: failed|error
import os
import time


def standardize(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(3600)
        os._exit(0)
    return x
