"""Adapters: a user's model becomes a plain torch module, and the way back to what the user calls things.

`formats` says what is safe to open; `tabular` turns an estimator or network on a data frame into a `TabularModel`.
"""
