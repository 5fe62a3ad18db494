"""Recording: bench × documents → the trace."""
