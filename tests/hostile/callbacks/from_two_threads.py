# Two threads call the test's function at once: their messages cross.
# exercise: twice
# score: 11
# status: failed|error|timeout|not_run
import threading


def twice(function, x):
    threads = [threading.Thread(target=function, args=(x,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    return function(function(x))
