//! Background loops, each with a `run_once`.
