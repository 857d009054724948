//! What is known when the database went back in time.

pub mod durability;
pub mod installation;
pub mod recoveries;
pub mod remembered_actions;
pub mod remembered_calls;
pub mod remembered_pushes;
