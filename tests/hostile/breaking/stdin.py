# It waits for somebody to type.
# score: 3
# status: failed|error|timeout
def standardize(x):
    return input("réponse ? ")
