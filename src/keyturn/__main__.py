"""`python -m keyturn` is `keyturn`."""

from keyturn.cli.main import main

main()
