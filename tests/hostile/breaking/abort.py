# What a failed assertion in C++ does to its process.
# score: 3
# status: failed|error|not_run
import os


def standardize(x):
    os.abort()
