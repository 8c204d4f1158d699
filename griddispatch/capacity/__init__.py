"""How much a county, a city, a province or a nation asks of the product and of its people: a model, not a load test."""
