# Output without end, on both streams.
# score: 3
# status: failed|error|timeout
# endless: yes
import sys


def standardize(x):
    line = "x" * 100_000 + "\n"
    while True:
        sys.stdout.write(line)
        sys.stderr.write(line)
