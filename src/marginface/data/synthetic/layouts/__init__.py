"""Protocols whose images are not to be had freely, in their published layout, of drawn faces.

ijb             IJB-B and IJB-C          tinyface   TinyFace
grouped_pairs   RFW and BFW              planted    embeddings with known answers, in the shape of MegaFace and MFR
"""
