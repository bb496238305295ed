# Script in a Markdown cell, in its links and in its mathematics.
# score: 5
# status: passed
def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)


# %% [markdown]
# <script>document.title='XSS'</script> <img src=x onerror="document.title='XSS'">
# [clic](javascript:document.title='XSS') <iframe srcdoc="<script>parent.document.title='XSS'</script>"></iframe>
# $\href{javascript:document.title='XSS'}{x}$ <style>body {display: none}</style>
