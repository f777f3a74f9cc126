"""Processes are killed and brokers emptied in the middle of the work; every effect must happen once."""
