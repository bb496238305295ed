# A C function that never comes back to the interpreter, which therefore sees no signal.
# score: 3
# status: failed|error|timeout
# says: time|temps|durait
# endless: yes
import re


def standardize(x):
    re.match(r"(a+)+$", "a" * 64 + "b")
    return x
