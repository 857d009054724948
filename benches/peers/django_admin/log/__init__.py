"""The console's messages as a Django app."""
