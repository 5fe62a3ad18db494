"""An audit as people read it: pages, pictures, summaries."""
