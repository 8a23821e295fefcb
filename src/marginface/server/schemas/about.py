"""What the service says of itself."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Alive(BaseModel):
    """A sign of life."""

    status: str = Field(examples=["alive"])


class AllowedLimits(BaseModel):
    """What a request may cost."""

    body_bytes: int
    photo_bytes: int
    photos: int
    pixels: int
    per_minute: int
    archive_bytes: int


class CallerAnswer(BaseModel):
    """Who asks: the id of the key, null while the service is open to its own machine; no collections: all."""

    key: str | None = Field(examples=["3f9a1c0b77de"])
    scopes: list[str] = Field(examples=[["detect", "verify"]])
    collections: list[str] = Field(examples=[["staff"]])


class Options(BaseModel):
    """What this service was started with."""

    events: bool
    two_person: list[str]
    runs: bool


class About(BaseModel):
    """What this service is and allows."""

    name: str = Field(examples=["marginface"])
    version: str = Field(examples=["0.1.0"])
    contract: str = Field(examples=["sface-112-128-5c3b1f0a"])
    embedding_size: int = Field(examples=[128])
    model: str = Field(examples=["sface"])
    limits: AllowedLimits
    caller: CallerAnswer
    options: Options
