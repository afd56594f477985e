"""Rows in, judged decisions out."""
