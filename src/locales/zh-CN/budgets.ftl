budgets-title = 预算
budgets-lead = 限制项目和成员的发送量。任务在确认时按发送日期（北京时间）计入；已取消、被拒绝或因退订未发送的会退还。
budgets-none = 尚未设置预算，发送量不受限制。
budgets-whose = 对象
budgets-project = 整个项目
budgets-used = 已用
budgets-cap = 上限
budgets-cap-wrong = 请填写大于 0 的数字，如 10000，或金额，如 500.00
budgets-kind = 超出上限时
budgets-hard = 拒绝
budgets-soft = 须审批
budgets-used-up-at = 按当前速度用完时间
budgets-used-up = 已用完
budgets-not-used-up = 本周期内不会用完
budgets-remove = 删除
budgets-removed = 预算已删除
budgets-add = 添加或替换预算
budgets-period = 周期
budgets-period-day = 每天
budgets-period-month = 每月
budgets-unit = 单位
budgets-unit-hint = 费用为预计费用，没有单价的不计费用。
budgets-unit-messages = 短信条数
budgets-unit-yuan = 金额（元）
budgets-chart = 每日用量，横线为上限
budgets-of-cap = 上限 { $cap }
budget-of-project = { $period ->
    [day] 项目每日预算
   *[other] 项目每月预算
  }
budget-of-person = { $period ->
    [day] { $name } 的每日预算
   *[other] { $name } 的每月预算
  }
budget-messages = { $number ->
   *[other] { $count } 条
  }
budget-used = 已用 { $used }，上限 { $cap }
budget-line = 已用 { $used }，上限 { $cap }；加上本次共 { $after }
budget-asks = 超出上限，须审批
budget-refuses = 超出上限
budget-over = { $budget }上限 { $cap }，已用 { $used }，本次需要 { $order }，超出上限，未下单。
budget-over-soft = { $budget }上限 { $cap }，当日已用 { $used }，本任务需要 { $order }，超出上限，请由审批人修改时间。
notification-budget_80 = 预算已用 80%：{ $project }{ $who }
notification-budget_100 = 预算已用完：{ $project }{ $who }
notification-budget-text = { $period ->
    [day] { $project }{ $who }的每日预算上限 { $cap }，已用 { $used }。
   *[other] { $project }{ $who }的每月预算上限 { $cap }，已用 { $used }。
  }
