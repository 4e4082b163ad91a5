"""The life of methodology versions: who proposed, who published, what counts; and simulations."""
