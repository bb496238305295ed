# Keys are added to the dictionary that was given, as `setdefault` does.
# exercise: tally
# score: 11
# status: failed
# says: le dictionnaire a été modifié


def tally(words, weights):
    return {word: words.count(word) * weights.setdefault(word, 1) for word in words}
