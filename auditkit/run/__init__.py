"""One run: what is asked, where it lies, how it goes."""
