//! An operation each: what crosses the database and the vendor.
