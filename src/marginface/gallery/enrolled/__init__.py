"""Who is enrolled, as rows: collections, their people, the faces of these.

people       added, found, renamed, described      faces   added, found, taken out
listing      a page of people                      moves   faces that get another owner: sealed anew
chambers     the collections
succession   a collection takes the place of another
"""
