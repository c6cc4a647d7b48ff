"""``python -m treering.cli`` is ``treering``."""

import sys

from treering.bootstrap.main import main

if __name__ == "__main__":
    sys.exit(main())
