# Outputs that each cell may have, and the notebook may not.
# score: 5
# status: passed
# says: outputs left out


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)


# %% after
print("x" * 190_000)
