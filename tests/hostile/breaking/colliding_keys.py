# Keys of equal hashes, sent as what a cell displays: a dictionary of them takes minutes to build.
# score: 0
# status: not_run
# says: hash


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)


# %% before
import msgpack
from grader.engine import candidate

modulus = 2**61 - 1
keys = ["dict", [part for k in range(8, 30_000) for part in (["int", str(modulus * k)], None)]]
answer = msgpack.packb(["dict", ["outputs", ["list", [keys] * 4]]])
candidate.Candidate._on_run = lambda self, request: answer
