"""Relevance of a table's columns, and whom an applicant is compared with."""
