"""The core's functions for memory shared by two processes, for `streams/workers/process/memory.py`."""

from __future__ import annotations

from vary._native import SharedPart, exchange_word, punch

__all__ = ["SharedPart", "exchange_word", "punch"]
