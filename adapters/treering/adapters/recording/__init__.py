"""Recordings read as a source, like any other system."""
