"""Memory that two processes see, made by the core: `streams/workers/process/memory.py` uses it."""

from __future__ import annotations

from vary._native import SharedPart, exchange_word, punch

__all__ = ["SharedPart", "exchange_word", "punch"]
