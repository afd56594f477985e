"""Pseudonyms, masked texts and special categories of data."""
