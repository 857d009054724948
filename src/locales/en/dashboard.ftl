dashboard-title = { $weekday }, { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
    *[12] December
  } { $day }
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
dashboard-calm = Nothing needs attention
dashboard-needs = { $count ->
    [1] 1 item needs attention
   *[other] { $count } items need attention
  }
dashboard-person = Needs attention
dashboard-what = Item
dashboard-since = Since
dashboard-look = View
dashboard-decide = Resolve
dashboard-in-doubt = { $count ->
    [1] 1 message may or may not have been sent
   *[other] { $count } messages may or may not have been sent
  }
dashboard-approval = { $name } is awaiting approval
dashboard-ordered = { $count ->
    [1] 1 recipient
   *[other] { $count } recipients
  }, ordered by { $person }
dashboard-rejected-signatures = { $count ->
    [1] 1 signature was rejected
   *[other] { $count } signatures were rejected
  }
dashboard-rejected-templates = { $count ->
    [1] 1 SMS template was rejected
   *[other] { $count } SMS templates were rejected
  }
dashboard-first-title = Send your first message
dashboard-batches = Batches
dashboard-all = All batches
dashboard-today = Today so far
dashboard-last-week = { $value } by this time last week
dashboard-last-week-none = No data from last week to compare
dashboard-chart = Submitted by hour
dashboard-chart-today = Today
dashboard-chart-before = Last week
dashboard-chart-label = Messages submitted by hour today compared with the same day last week. Busiest hour: { $hour }:00 with { $count }.
dashboard-chart-table = Show as table
dashboard-hour = Hour
dashboard-missing-signature = The signature “{ $name }” is no longer found at UCloud
dashboard-missing-template = The template “{ $name }” is no longer found at UCloud
dashboard-disabled-signature = The platform disabled the signature “{ $name }”
dashboard-disabled-template = The platform disabled the template “{ $name }”
