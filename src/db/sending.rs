//! Batches, messages and the queue of calls.

pub mod batch_search;
pub mod batch_transitions;
pub mod batches;
pub mod budgets;
pub mod call_slots;
pub mod claims;
pub mod message_search;
pub mod messages;
pub mod prices;
pub mod recipients;
pub mod repeats;
pub mod resends;
pub mod send_backs;
pub mod sending_stops;
pub mod submissions;
pub mod uploads;
pub mod workers;
