"""The whole loop in one terminal: real stores, real services, simulated hotlines, workers and citizens, an observer."""
