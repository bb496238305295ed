# Threads that never end, as many as the machine gives.
# score: 3
# status: failed|error|timeout
# endless: yes
import threading
import time


def standardize(x):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        except (RuntimeError, MemoryError):
            time.sleep(0.001)
