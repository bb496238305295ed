# French names, accents and emoji.
# score: 5
# status: passed
def standardize(x):
    """Centre et réduit, c'est déjà l'été ☀️."""
    moyenne_centrée = x - x.mean(0)
    écart_type = x.std(0, correction=0)
    print("réussi 🎉", "écart-type :", écart_type)
    return moyenne_centrée / écart_type
