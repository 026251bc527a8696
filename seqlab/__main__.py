import sys

if sys.version_info < (3, 11):  # noqa: UP036 (run from its source; pip refuses to install it)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    sys.exit(f"error: seqlab needs Python 3.11 or newer, and this is {version}\nhint: python3.11 -m seqlab")

from seqlab.cli.main import main

if __name__ == "__main__":
    main()
