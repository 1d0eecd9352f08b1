"""Where sentences and pictures come from: fetched and checked, written by hand, or simulated."""
