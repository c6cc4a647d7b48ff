"""The composition root: the one place that sees both front ends and adapters.

Owns which adapters there are and how the programs are put together. Holds no logic.
"""
