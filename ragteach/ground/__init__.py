"""Ground: what any careful program needs: arguments asked first, memory counted, files written whole."""
