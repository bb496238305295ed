# A successful exit in the middle of the test.
# score: 3
# status: failed|error|not_run
import sys


def standardize(x):
    sys.exit(0)
