"""What IT asks of a store: check it, back it up, restore it, tell or forget what it knows of somebody."""
