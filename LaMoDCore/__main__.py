"""`python -m LaMoDCore` is the `lamod` command."""

import sys

from LaMoDCore.cli import main

if __name__ == "__main__":
    sys.exit(main())
