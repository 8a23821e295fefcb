"""``python -m marginface`` is the command line."""

from marginface.cli import main

if __name__ == "__main__":
    main()
