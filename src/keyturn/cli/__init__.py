"""The command line: one file a noun. Costly imports wait until a command needs them."""
