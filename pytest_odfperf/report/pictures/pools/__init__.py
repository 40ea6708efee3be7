"""Pictures that compare pools with each other, and with their baseline."""
