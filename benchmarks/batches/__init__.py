"""What batch.py measures on: a lender that is made up, and a command that is watched."""
