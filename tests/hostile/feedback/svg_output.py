# Script in a picture.
# score: 5
# status: passed
from IPython.display import SVG, display

display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='XSS'\"><script>document.title='XSS'</script></svg>"))


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
