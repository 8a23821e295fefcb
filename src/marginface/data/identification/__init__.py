"""Identification protocols (1:N): who is enrolled and who is searched.

ijb        IJB-B and IJB-C from the official metadata files: templates, pairs of them, galleries and probes
tinyface   a gallery of several images of a person, distractors, probes
photos     photos of people, divided by a stated rule
"""
