"""Dispatch decides who must do what by when, watches every clock, and says why."""
