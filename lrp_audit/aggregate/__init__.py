"""What many explained decisions say together: prototypes, groups, proxies, strategies, drift. Descriptive (G-03)."""
