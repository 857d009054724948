"""The console's log as Django sees it."""
