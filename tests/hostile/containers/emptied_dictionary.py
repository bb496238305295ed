# The right result, and the dictionary that was given is emptied.
# exercise: tally
# score: 11
# status: failed
# says: le dictionnaire a été modifié


def tally(words, weights):
    found = {word: words.count(word) * weights.get(word, 1) for word in words}
    weights.clear()
    return found
