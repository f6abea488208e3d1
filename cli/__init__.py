"""The command line: the only floor that prints, reads the environment and sets exit codes."""
