"""What an erasure removed, in the headers of an answer of CompreFace's."""

from __future__ import annotations

from fastapi import Response

from marginface.gallery import Receipt


def tell_receipt(response: Response, receipt: Receipt) -> Receipt:
    """Say in headers what CompreFace has no place for: whether the disk is clean too, and the entry of the audit."""
    response.headers["X-Erasure-Complete"] = "true" if receipt else "false"
    response.headers["X-Audit-Head"] = receipt.audit_head
    return receipt
