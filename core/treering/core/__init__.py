"""The domain: facts, the lineage graph and the questions asked of it.

Owns every word of the contract that does not belong to one system. Imports nothing else of
treering, no terminal library, no engine client, no network and no subprocess.
"""
