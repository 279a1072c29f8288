"""The command line from outside: what is typed, what is answered, and how it ends."""
