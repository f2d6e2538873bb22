"""What customers will bring: models of repeat purchases and of what is spent at each, from purchase histories alone."""
