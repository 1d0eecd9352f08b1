"""Teach: checks, hints and the exercises."""
