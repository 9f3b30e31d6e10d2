"""Policies and streams inside other libraries. Each module imports its framework, and is imported when it is asked for."""
