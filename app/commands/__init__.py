"""One module a command; imported by app.cli when the command is used."""
