"""A service on an address.

serving       checked before it is bound, then handed to uvicorn
connections   given up in time where nobody asks
"""
