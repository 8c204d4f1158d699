"""The ways out: each takes messages and says of each how it went."""
