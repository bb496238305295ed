# Debugging prints in a graded function, and the last value displayed.
# score: 5
# status: passed
def standardize(x):
    print(x)
    print(0.5)
    return (x - x.mean(0)) / x.std(0, correction=0)


standardize(__import__("torch").ones(2, 2))
