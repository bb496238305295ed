# More outputs than our shell keeps of a cell, from a candidate that lies.
# score: 0
# status: not_run
# says: too long


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)


# %% before
from grader.engine import candidate, wire

output = {"output_type": "stream", "name": "stdout", "text": "a"}
answer = wire.encode({"outputs": [output] * 2_000})
candidate.Candidate._on_run = lambda self, request: answer
