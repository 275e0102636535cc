"""Parts of surgery_table.py, and the time that its fits take."""
