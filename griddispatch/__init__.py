"""The command line of Grid Dispatch, the demo, and the servers they bring along."""
