"""Adapters: one package for each system treering reads. They never import each other."""
