"""Git repositories: commits, tags and branches, read without running git and without writing."""
