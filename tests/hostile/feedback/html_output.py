# Script in an HTML output.
# score: 5
# status: passed
from IPython.display import HTML, display

display(HTML("<script>document.title='XSS'</script><img src=x onerror=\"document.title='XSS'\">"))


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
