"""Teach: checks, hints and exercises, worlds of one's own, grading."""
