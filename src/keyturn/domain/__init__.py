"""The rules: frozen data and pure functions, with no disk, network, clock or chance."""
