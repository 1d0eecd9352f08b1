"""Data: sentences in, tables and features out."""
