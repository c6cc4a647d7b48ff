"""A small true-to-life world in real formats, to look at without any engine installed.

Owns writing it; reads nothing and changes no system. `build.build` is the way in.
"""
