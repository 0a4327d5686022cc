"""`python -m omniroute`: the same as the command `omniroute`."""

from omniroute.cli.app import main

if __name__ == "__main__":
    main()
