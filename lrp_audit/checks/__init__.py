"""What a reader may believe of an explanation, measured by running the model again."""
