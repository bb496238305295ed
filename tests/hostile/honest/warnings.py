# Warnings on stderr cost nothing.
# score: 5
# status: passed
import sys
import warnings


def standardize(x):
    warnings.warn("écart-type presque nul", stacklevel=2)
    print("un message", file=sys.stderr)
    return (x - x.mean(0)) / x.std(0, correction=0)
