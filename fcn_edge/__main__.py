"""`python -m fcn_edge` is the `fcn-edge` command (torchrun starts it this way)."""

from fcn_edge.cli import main

if __name__ == "__main__":
    main()
