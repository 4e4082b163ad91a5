"""The second inlet: a day's events as a file of lines with control totals."""
