# The same, from a process that no longer cuts its messages.
# exercise: slope
# score: 11
# status: failed|error
from grader.engine import candidate

candidate._described = lambda error: {
    "kinds": ["ValueError"], "name": "N" * 1000, "message": "M" * 20_000_000, "frames": "F"
}


def slope(a, b):
    raise ValueError
