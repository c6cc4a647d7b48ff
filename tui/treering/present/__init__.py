"""Presenters: domain values as lines of styled safe text, for the screen and for text alike.

Owns what things look like in words, glyphs and columns. Pure: a presenter reads no system, draws
nothing and knows neither Textual nor a terminal. `lines` is what the others are made of.
"""
