"""Ground, for any careful program: arguments asked first, memory counted, files written whole."""
