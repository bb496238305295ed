# The same in several processes, each of which would pass alone.
# score: 3
# status: failed|error|timeout
# says: memory
import os

kept = []


def standardize(x):
    for _ in range(3):
        os.fork()
    while True:
        kept.append(bytearray(b"x" * 4_000_000))
