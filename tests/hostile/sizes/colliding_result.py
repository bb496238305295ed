# A result of the same kind.
# exercise: tally
# score: 11
# status: failed|error|timeout
# endless: yes


def tally(words, weights):
    return {(2**61 - 1) * k: None for k in range(8, 60_000)}
