# HTML and terminal codes in printed text.
# score: 5
# status: passed
print("<script>document.title='XSS'</script>\x1b[31m<img src=x onerror=document.title='XSS'>\x1b[0m")
print("\x1b]8;;javascript:document.title='XSS'\x07clic\x1b]8;;\x07")


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
