# It waits for somebody to type.
# score: 3
# status: failed|error
def standardize(x):
    return input("réponse ? ")
