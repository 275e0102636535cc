"""The golden fixture and the script that makes it."""
