"""What commands and digests tell of the figures: months, meetings, accounts, restatements."""
