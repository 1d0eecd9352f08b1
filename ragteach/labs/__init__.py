"""Labs: open-ended work on data with a part held out, and a score that cannot be peeked at."""
