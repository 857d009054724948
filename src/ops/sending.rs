//! Ordering, planning and submitting.

pub mod batch_actions;
pub mod budgets;
pub mod failure_guard;
pub mod order;
pub mod pause;
pub mod plan;
pub mod prices;
pub mod repeats;
pub mod resend;
pub mod send_back;
pub mod sending_stops;
pub mod slots;
pub mod submit;
pub mod uploads;
