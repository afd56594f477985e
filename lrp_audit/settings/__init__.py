"""audit.toml as checked, immutable values, section by section."""
