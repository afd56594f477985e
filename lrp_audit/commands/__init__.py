"""What the program's commands do."""
