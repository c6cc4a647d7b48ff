"""``python -m treering.cli`` is ``treering``."""

from treering.bootstrap.main import program

if __name__ == "__main__":
    program()
