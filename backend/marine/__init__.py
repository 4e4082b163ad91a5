"""Marine plastic: hand-ins at the shore, the custody of lots up to a product, payouts, traces."""
