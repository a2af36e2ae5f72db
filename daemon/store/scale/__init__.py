"""What workers on several machines share in the store: batches, their own rows, the pace, the queue's schema."""
