"""Results for a reader: pages of HTML, and rows of the terminal's tables.

report, single       the page of runs (runs, sections, glossary), of one result
audit_page           what is wrong with a data set, side by side
lines                rows of the terminal's tables
"""
