"""A look at your data before any model: what it holds, what may go wrong, names that may be one."""
