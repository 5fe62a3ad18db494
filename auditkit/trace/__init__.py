"""The trace: what the models did to every token, as columns. The contract of the project."""
