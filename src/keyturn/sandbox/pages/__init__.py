"""Pages for people: the status page, and the forms of log-in and consent."""
