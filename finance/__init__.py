"""Marketing deposits: what a store owes, what it has paid."""
