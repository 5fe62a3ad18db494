"""Data sets: a name or a file → examples, and the words they are made of."""
