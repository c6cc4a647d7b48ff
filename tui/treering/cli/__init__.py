"""The command line: the verbs of treering without the screen.

Owns arguments, output and exit codes. Sees the domain only; what it reads with is handed to it
by the composition root.
"""
