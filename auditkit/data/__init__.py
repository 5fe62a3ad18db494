"""Data sets: a name or a file → columns → examples, and the words they are made of."""
