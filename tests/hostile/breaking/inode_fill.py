# Empty files until the file system cannot name another one.
# score: 3
# status: failed|error|timeout
from pathlib import Path


def standardize(x):
    for index in range(10_000_000):
        Path(f"empty{index}").touch()
    return x
