# Copies of the list and the dictionary, changed freely.
# exercise: tally
# score: 12
# status: passed
from collections import defaultdict


def tally(words, weights):
    words, weights, found = list(words), dict(weights), defaultdict(int)
    while words:
        word = words.pop()
        found[word] += weights.setdefault(word, 1)
    return found
