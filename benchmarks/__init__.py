"""Programs that answer the questions of the design's table; each prints one JSON object."""
