# A method of the student's own, whose name is forbidden, is called on a module.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
# says: devant un point
import numpy as np


class Decoy:
    def cumsum(self):
        pass

    def sums(self, x):
        return self.cumsum(x)


def running(x):
    return Decoy.sums(np, x)
