# Memory kept in files of a file system in memory, which no process owns.
# score: 3
# status: failed|error|timeout
from pathlib import Path


def standardize(x):
    for index in range(100_000):
        Path(f"/dev/shm/{index}").write_bytes(bytes(4_000_000))
    return x
