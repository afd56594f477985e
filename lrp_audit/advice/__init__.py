"""Which rules and which reference suit a model: measured side by side, with the reasons for it."""
