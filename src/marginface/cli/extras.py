"""Commands that need more than the core: said at once, with what to install."""

from __future__ import annotations


def require_train_extra() -> None:
    """Raise MissingExtra if torch or what goes with it is not installed."""
    from importlib.util import find_spec

    from marginface.errors import MissingExtra

    missing = [name for name in ("torch", "safetensors", "matplotlib") if find_spec(name) is None]
    if missing:
        raise MissingExtra(f'{", ".join(missing)} not installed. Run: pip install "marginface[train]"')
