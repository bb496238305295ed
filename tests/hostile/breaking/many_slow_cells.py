# Many cells, each just under the limit of a cell: the limit of the whole notebook counts.
# score: 0
# status: failed|error|not_run
# says: time|temps|durait
def standardize(x):
    return x


# %% before 30 times
import time

time.sleep(1.5)
