"""The C++ program seen from Python: find it, start it, read what it writes."""
