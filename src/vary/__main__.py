"""`python -m vary` is the command `vary`."""

import sys

from vary.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
