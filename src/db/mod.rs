//! All SQL, a file per noun; functions take an executor or a transaction.
