"""A partner that does not exist: what its system would send on a day, and the sending of it."""
