"""Notify closes the loop: it tells people, asks the citizen, and records the judgement."""
