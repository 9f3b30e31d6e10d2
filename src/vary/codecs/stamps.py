"""Size and time of change of files, of many in one native call."""

from __future__ import annotations

from vary._native import file_stamps

__all__ = ["file_stamps"]
