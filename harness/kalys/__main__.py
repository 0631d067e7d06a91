"""``python -m kalys`` is the command ``kalys``."""

from kalys.cli.app import main

if __name__ == "__main__":
    main()
