# Four threads call the test's function at once: one after the other is answered, and counted.
# exercise: twice
# score: 11
# status: failed
import threading


def twice(function, x):
    threads = [threading.Thread(target=function, args=(x,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return function(function(x))
