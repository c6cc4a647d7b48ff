"""Widgets of treering's own, drawn line by line."""
