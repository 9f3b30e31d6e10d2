"""Policies and streams inside other libraries. A module imports its framework, and is imported when asked for."""
