"""Reading calendars: rosters, listings, what may be kept, and writing it with the cursor."""
