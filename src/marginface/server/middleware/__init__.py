"""What lies around every request, from the outside in.

log        an id for each request, a line in the log
figures    what is counted of it
bugs       what nobody expected becomes one answer
security   headers that keep a browser from doing what the page does not need
origin     by which host names, and from which pages, a browser may ask
keys       who sends a body, before it is read
body       how large a request may be, and how slow
slots      how many requests decode and compute at once
bodies     which requests have one

Each is a plain ASGI application around another.
"""
