# Short-lived processes by the thousand, so that process ids come round again.
# score: 3
# status: failed|error|timeout
# endless: yes
import os


def standardize(x):
    for _ in range(50_000):
        try:
            child = os.fork()
        except OSError:
            continue
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    return x
