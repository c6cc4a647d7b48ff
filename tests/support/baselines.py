"""Where the pictures of the snapshot tests are kept."""

from pathlib import Path

BASELINES = Path(__file__).parents[2] / "screenshots"
