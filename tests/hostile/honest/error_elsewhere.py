# Another cell of the notebook fails: the exercise is right all the same.
# score: 5
# status: passed
def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)


# %% before
1 / 0

# %% after
cette_variable_n_existe_pas
