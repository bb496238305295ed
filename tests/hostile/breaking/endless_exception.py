# An exception whose name, message and traceback fill the result, from a candidate that lies.
# score: 3
# status: failed
# says: levé N{100} : M{4000}\nF{4000} 
from grader.engine import candidate

honest = candidate._described
large = {
    "kinds": ["ValueError"] * 60_000,
    "name": "N" * 1_000_000,
    "message": "M" * 20_000_000,
    "frames": "F" * 20_000_000,
}
candidate._described = lambda error: large if str(error) == "large" else honest(error)


def standardize(x):
    raise ValueError("large")
