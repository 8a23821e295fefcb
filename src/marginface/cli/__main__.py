"""``python -m marginface.cli`` is the command line, as torchrun starts it."""

from marginface.cli import main

if __name__ == "__main__":
    main()
