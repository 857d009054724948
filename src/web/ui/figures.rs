//! Figures: charts, sums, costs, and links to what they count.

pub mod budget_lines;
pub mod chart;
pub mod costs;
pub mod counted;
pub mod growth;
pub mod ledger;
