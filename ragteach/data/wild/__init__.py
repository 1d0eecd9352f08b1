"""Tables as they are found in the wild: encodings, dialects, formats, columns by likeness."""
