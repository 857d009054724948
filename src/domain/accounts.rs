//! People: their roles, what they see, their passwords and devices.

pub mod device_name;
pub mod password;
pub mod role;
pub mod sight;
