"""The pages, a module a noun: each says what it shows, and which paths lead to it."""
