"""Where evidence comes in: captures, check-ins, weighings; parse, store, claim, call crediting."""
