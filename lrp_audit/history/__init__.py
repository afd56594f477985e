"""What people did to a decision's documents: events, reviews, and the folder they stand in."""
