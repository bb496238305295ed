# HTML in an exception's message and in the name of its class.
# score: 3
# status: failed|error
def standardize(x):
    raise type("<script>document.title='XSS'</script>", (Exception,), {})(
        "<img src=x onerror=document.title='XSS'>"
    )
