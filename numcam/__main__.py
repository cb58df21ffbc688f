"""python -m numcam"""

import sys

from numcam.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
