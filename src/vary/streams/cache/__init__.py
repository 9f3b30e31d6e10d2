"""Decoded files, kept in memory or on disk for later epochs. They change no pixel of a batch."""
