"""Evidence in, grams out: photos, plates, fingerprints and methodologies. No database, no clock."""
