//! A stand-in for USMS, for trying and testing; it shares no code with `usms`.
