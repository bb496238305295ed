# A JavaScript output.
# score: 5
# status: passed
from IPython.display import Javascript, display

display(Javascript("document.title = 'XSS'"))


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
