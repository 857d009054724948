//! The vendor's API; knows nothing of the console.
