"""The proof by simulation: the whole product over the sandbox, with chance that can be replayed."""
