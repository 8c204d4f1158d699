"""Intake accepts a matter durably, once, and says what it is: where, which category, how urgent."""
