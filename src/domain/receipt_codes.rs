//! receipt_codes
