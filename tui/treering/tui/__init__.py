"""The screen: a Textual application over the same graph the command line reads.

Owns drawing and keys. Sees the domain only; never an adapter.
"""
