# Every signal that can be ignored is, then it sleeps for ever.
# score: 3
# status: failed|error|timeout
# says: time|temps|durait
# endless: yes
import signal
import time


def standardize(x):
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            pass
    while True:
        time.sleep(3600)
