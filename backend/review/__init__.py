"""Where a person looks: the queue, decisions, appeals, and what becomes of the photos."""
