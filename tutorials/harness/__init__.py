"""Runs the tutorials as a reader would, and compares everything they print, draw and link with what the pages show."""
