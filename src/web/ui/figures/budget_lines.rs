//! Budgets beside an order that counts for them.

use crate::domain::sending::budget::{Amount, Budget, BudgetUnit, BudgetVerdict, OverBudget, yuan};
use crate::web::http::i18n::Texts;
use crate::web::ui::layout::Layout;

/// A budget beside an order.
#[derive(Debug)]
pub struct BudgetLine {
    /// Whose budget it is, and for which time.
    pub label: String,
    /// What is used, and what will be with the order.
    pub text: String,
    /// What the order is to it, if it is over it.
    pub over: Option<String>,
    /// Whether the order is refused.
    pub refuses: bool,
}

/// Returns what is used of budgets.
pub fn used(l: &Layout, budgets: &[Budget]) -> Vec<BudgetLine> {
    let line = |budget: &Budget| {
        let values = [
            ("used", amount(l.texts, budget.unit, budget.used).into()),
            ("cap", amount(l.texts, budget.unit, budget.cap).into()),
        ];
        let text = l.with("budget-used", &values);
        BudgetLine { label: label(l.texts, budget), text, over: None, refuses: false }
    };
    budgets.iter().map(line).collect()
}

/// Returns the budgets that an order counts for.
pub fn lines(l: &Layout, budgets: &[Budget], order: Amount) -> Vec<BudgetLine> {
    let line = |budget: &Budget| {
        let verdict = budget.verdict(order);
        let values = [
            ("used", amount(l.texts, budget.unit, budget.used).into()),
            ("cap", amount(l.texts, budget.unit, budget.cap).into()),
            ("after", amount(l.texts, budget.unit, budget.used + order.of(budget.unit)).into()),
        ];
        BudgetLine {
            label: label(l.texts, budget),
            text: l.with("budget-line", &values),
            over: match verdict {
                BudgetVerdict::Within => None,
                BudgetVerdict::Asks => Some(l.t("budget-asks")),
                BudgetVerdict::Refused => Some(l.t("budget-refuses")),
            },
            refuses: verdict == BudgetVerdict::Refused,
        }
    };
    budgets.iter().map(line).collect()
}

/// Returns whether an order needs an approver for one of its budgets.
pub fn asks(budgets: &[Budget], order: Amount) -> bool {
    budgets.iter().any(|budget| budget.verdict(order) == BudgetVerdict::Asks)
}

/// Returns whose a budget is, and for which time.
pub fn label(texts: Texts, budget: &Budget) -> String {
    let period = budget.period.key();
    match &budget.name {
        Some(name) => texts
            .with("budget-of-person", &[("name", name.as_str().into()), ("period", period.into())]),
        None => texts.with("budget-of-project", &[("period", period.into())]),
    }
}

/// Returns an amount with its unit.
pub fn amount(texts: Texts, unit: BudgetUnit, n: i64) -> String {
    match unit {
        BudgetUnit::Messages => {
            texts.with("budget-messages", &[("count", texts.n(n).into()), ("number", n.into())])
        }
        BudgetUnit::Yuan => yuan(n),
    }
}

/// Says which budget an order is over: the cap, what is used, and what the order takes.
pub fn over(texts: Texts, over: &OverBudget) -> String {
    let OverBudget { budget, order } = over;
    let values = [
        ("budget", label(texts, budget).into()),
        ("cap", amount(texts, budget.unit, budget.cap).into()),
        ("used", amount(texts, budget.unit, budget.used).into()),
        ("order", amount(texts, budget.unit, order.of(budget.unit)).into()),
    ];
    texts.with(if budget.hard { "budget-over" } else { "budget-over-soft" }, &values)
}
