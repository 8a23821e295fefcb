"""The bodies of requests and answers, as OpenAPI shows them: pydantic models with examples, no logic.

about    what the service is
photos   faces, quality, decisions
"""
