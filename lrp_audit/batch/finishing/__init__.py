"""What people read of a batch, made of its tables once all rows are judged."""
