"""`python -m afraz.cli`."""

from . import main

main()
