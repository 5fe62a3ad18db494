"""Built-in probes: one file a question, found through the entry-point group `auditkit.probes`."""
