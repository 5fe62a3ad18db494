"""The models under audit: opened, asked, attributed, timed, and what probes may ask of them."""
