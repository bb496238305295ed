# A function is given itself.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
import numpy as np


def running(x):
    def go(again, done):
        return again(again, [*done, x[: len(done) + 1].sum()]) if len(done) < len(x) else done

    return np.array(go(go, []))
