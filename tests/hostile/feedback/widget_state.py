# A widget's view with a model that nobody has.
# score: 5
# status: passed
from IPython.display import display

display(
    {
        "application/vnd.jupyter.widget-view+json": {"model_id": "</script><script>document.title='XSS'</script>"},
        "text/plain": "<script>document.title='XSS'</script>",
        "text/markdown": "<img src=x onerror=document.title='XSS'> [clic](javascript:document.title='XSS')",
        "text/latex": "\\href{javascript:document.title='XSS'}{clic}",
        "application/pdf": "JVBERi0=",
    },
    raw=True,
)


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
