# Many cells, each just under the limit of a cell: the limit of the whole notebook counts.
# score: 0
# status: not_run
# says: Ce notebook a été arrêté : en tout, il durait plus de 9 s
# endless: yes
def standardize(x):
    return x


# %% before 30 times
import time

time.sleep(1.5)
