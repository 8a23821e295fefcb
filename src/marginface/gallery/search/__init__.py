"""Who is most similar to a face.

vectors   those of a collection, many at once      live   the index that follows the truth
nearest   from the faces that it finds to their people
"""
