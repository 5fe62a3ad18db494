"""The report's templates, addressed by dotted name."""
