"""The file that keeps a recorded run, and the journals it is made from."""
