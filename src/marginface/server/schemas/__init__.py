"""The bodies of requests and answers, as OpenAPI shows them: pydantic models with examples, no logic.

fields   what a field may be: names, texts, one of a table
about    what the service is
photos   faces, quality, decisions

collections persons faces   who is in a gallery
identification              who of them is in a photo
removal                     receipts, and what is to be taken out
audit                       who did what
runs, evaluations           training runs with their curves, evaluations with their figures
jobs, events                long work; how the service was used
"""
