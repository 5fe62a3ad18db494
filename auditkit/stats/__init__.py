"""Statistics on plain arrays: no I/O, no models, no knowledge of probes."""
