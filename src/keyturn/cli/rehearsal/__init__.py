"""The demonstration: an org, Keyturn, a consumer that never stops, and turns in between."""
