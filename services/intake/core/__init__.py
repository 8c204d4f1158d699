"""The pure core of intake: reading a report, finding its place, saying what it is."""
