"""Contract and transport that the three services share; knows nothing of any of them."""
