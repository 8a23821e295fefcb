"""What the service says of itself."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Alive(BaseModel):
    """A sign of life."""

    status: str = Field(examples=["alive"])


class AllowedLimits(BaseModel):
    """What a request may cost."""

    body_bytes: int = Field(examples=[33554432])
    photo_bytes: int = Field(examples=[16777216])
    photos: int = Field(examples=[16])
    pixels: int = Field(examples=[40000000])
    per_minute: int = Field(examples=[600])
    archive_bytes: int = Field(examples=[2147483648])


class CallerAnswer(BaseModel):
    """Who asks: the id of the key, null while the service is open to its own machine; no collections: all."""

    key: str | None = Field(examples=["3f9a1c0b77de"])
    scopes: list[str] = Field(examples=[["detect", "verify"]])
    collections: list[str] = Field(examples=[["staff"]])


class Options(BaseModel):
    """What this service was started with."""

    events: bool = Field(description="whether identifications are recorded")
    two_person: list[str] = Field(examples=[["erase"]])
    runs: bool


class About(BaseModel):
    """What this service is and allows."""

    name: str = Field(examples=["marginface"])
    version: str = Field(examples=["0.1.0"])
    contract: str = Field(examples=["59b08417f911d62a"])
    embedding_size: int = Field(examples=[128])
    model: str = Field(examples=["sface"])
    limits: AllowedLimits
    caller: CallerAnswer
    options: Options
