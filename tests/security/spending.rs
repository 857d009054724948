//! What people can spend: calls, rows, streams, files and queries.
