# A picture of forty megabytes.
# score: 5
# status: passed
import os

from IPython.display import Image, display

display(Image(data=b"\x89PNG\r\n\x1a\n" + os.urandom(40_000_000), format="png"))


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
