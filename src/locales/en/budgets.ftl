budgets-title = Budgets
budgets-lead = How much the project and its members may send. An order counts when it's confirmed, on the day on which it leaves (Asia/Shanghai); what is cancelled, refused or suppressed is given back.
budgets-none = No budgets yet, so nothing is limited.
budgets-whose = Applies to
budgets-project = The whole project
budgets-used = Used
budgets-cap = Limit
budgets-cap-wrong = Enter a number greater than 0, such as 10000, or an amount such as 500.00
budgets-kind = Over the limit
budgets-hard = Refuse
budgets-soft = Ask an approver
budgets-used-up-at = Used up at this pace
budgets-used-up = Used up
budgets-not-used-up = Not in this period
budgets-remove = Remove
budgets-removed = Budget removed
budgets-add = Add or replace a budget
budgets-period = Period
budgets-period-day = Day
budgets-period-month = Month
budgets-unit = Measured in
budgets-unit-hint = Costs are the expected ones. What has no price costs nothing.
budgets-unit-messages = Messages
budgets-unit-yuan = CNY
budgets-chart = Use by day; the line is the limit
budgets-of-cap = of { $cap }
budget-of-project = { $period ->
    [day] Project budget, day
   *[other] Project budget, month
  }
budget-of-person = { $period ->
    [day] Budget of { $name }, day
   *[other] Budget of { $name }, month
  }
budget-messages = { $number ->
    [1] 1 message
   *[other] { $count } messages
  }
budget-used = { $used } of { $cap } used
budget-line = { $used } of { $cap } used; { $after } with this
budget-asks = Over the limit: needs an approver
budget-refuses = Over the limit
budget-over = { $budget }: the limit is { $cap }, { $used } are used, and this order takes { $order }. Nothing was ordered.
budget-over-soft = { $budget }: the limit is { $cap }, { $used } are used on that day, and this order takes { $order }. Ask an approver to move it.
notification-budget_80 = 80% of a budget is used: { $project }{ $who }
notification-budget_100 = A budget is used up: { $project }{ $who }
notification-budget-text = { $period ->
    [day] Of the daily budget of { $project }{ $who }, { $used } of { $cap } are used.
   *[other] Of the monthly budget of { $project }{ $who }, { $used } of { $cap } are used.
  }
