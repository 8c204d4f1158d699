"""Notify's decisions as functions of values: whom to tell what, when to ask, when to stop trying."""
