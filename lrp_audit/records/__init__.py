"""The canonical record of a decision, and the texts in it."""
