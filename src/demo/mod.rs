//! Console, sandbox, private PostgreSQL and sample data in one command.

pub mod postgres;
