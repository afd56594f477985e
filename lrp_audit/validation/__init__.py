"""Evidence on a model as a whole: whether explanations depend on what it learned, and how they fare over a sample."""
