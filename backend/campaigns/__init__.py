"""Points rules and the funds that pay for them."""
