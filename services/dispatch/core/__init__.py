"""The decisions of dispatch: pure functions of values."""
