"""Batches: a table of any size in, a sealed folder out; killed anywhere and started again, it goes on."""
