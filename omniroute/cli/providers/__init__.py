"""`omniroute providers`: the accounts at AI providers, and the catalogue they come from."""
