# Outputs that take minutes to decode: a dictionary whose keys have one hash.
# exercise: slope
# score: 1
# status: failed|error|not_run|timeout
import msgpack
from grader.engine import candidate

prime = 2**61 - 1
keys = ["dict", [part for k in range(8, 60_000) for part in (["int", str(prime * k)], None)]]


def run(self, request):
    return msgpack.packb(["dict", ["outputs", ["list", [keys] * 12]]])


candidate.Candidate._on_run = run


def slope(a, b):
    return a


# %% after
print("ici")
