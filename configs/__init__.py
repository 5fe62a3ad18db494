"""Configurations and lexicons that ship with auditkit, addressed by dotted name."""
