"""The paths, parameters and answers of CompreFace, for programs that ask it: docs/how-to/come-from-compreface.md.

subjects   add, list, rename (which merges), erase people
faces      add, list, delete examples; is a photo of the same person as an example?
looking    recognize, verify, detect; faces_found: what they tell of a face
receipts   what an erasure removed
shapes     the answers                    refusals   {"message", "code"} instead of our envelope
asked      parameters and photos of a request: multipart or Base64
place      the one collection of a key    ids        opaque ids as UUIDs
"""

from fastapi import APIRouter

from marginface.server.routes.compreface import faces, looking, subjects

router = APIRouter(prefix="/api/v1", tags=["CompreFace"])
for _part in (looking, faces, subjects):
    router.include_router(_part.router)
