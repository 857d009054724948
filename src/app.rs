//! The console built from its parts.
