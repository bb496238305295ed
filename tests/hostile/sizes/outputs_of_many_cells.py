# Each cell prints as much as one cell may.
# exercise: slope
# score: 12
# status: passed


def slope(a, b):
    return a - b


# %% after 60
print("x" * 199_000)
