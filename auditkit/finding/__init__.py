"""What an audit says: values and their strict JSON."""
