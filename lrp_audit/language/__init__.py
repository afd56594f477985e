"""What readers read: sentences, legal texts, numbers and dates in their language and locale."""
