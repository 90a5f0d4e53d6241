"""``python -m beadsmith``."""

from beadsmith.cli import main

main()
