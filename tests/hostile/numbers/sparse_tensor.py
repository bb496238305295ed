# A sparse tensor, which has no form here.
# exercise: noisy
# score: 11
# status: failed|error


def noisy(x, std):
    return x.to_sparse()
