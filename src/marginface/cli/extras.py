"""Commands that need more than the core: said at once, with what to install."""

from __future__ import annotations

_TRAIN = ("torch", "safetensors", "matplotlib")
_SERVER = ("fastapi", "uvicorn", "python_multipart", "limits", "prometheus_client")


def require_train_extra() -> None:
    """Raise MissingExtra if torch or what goes with it is not installed."""
    _require("train", _TRAIN)


def require_server_extra() -> None:
    """Raise MissingExtra if what a service is made of is not installed."""
    _require("server", _SERVER)


def _require(extra: str, modules: tuple[str, ...]) -> None:
    from importlib.util import find_spec

    from marginface.errors import MissingExtra

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtra(f'{", ".join(missing)} not installed. Run: pip install "marginface[{extra}]"')
