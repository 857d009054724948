dashboard-title = { $weekday }, { $day } { $month ->
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
  }
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
dashboard-calm = Nothing is waiting for a person.
dashboard-needs = { $count ->
    [1] One thing is waiting for a person.
   *[other] { $count } things are waiting for a person.
  }
dashboard-person = Waiting for a person
dashboard-what = What
dashboard-since = Since
dashboard-look = Look at it
dashboard-decide = Decide
dashboard-doubt = { $count ->
    [1] Nobody knows whether 1 text left
   *[other] Nobody knows whether { $count } texts left
  }
dashboard-approval = { $name } waits for approval
dashboard-ordered = { $count ->
    [1] 1 phone
   *[other] { $count } phones
  }, ordered by { $person }
dashboard-rejected-signatures = { $count ->
    [1] 1 signature was rejected
   *[other] { $count } signatures were rejected
  }
dashboard-rejected-templates = { $count ->
    [1] 1 SMS template was rejected
   *[other] { $count } SMS templates were rejected
  }
dashboard-first-title = The first text
dashboard-batches = Batches
dashboard-all = All batches
dashboard-today = Today so far
dashboard-last-week = { $value } a week ago, to this hour
dashboard-last-week-none = nothing to compare with a week ago
dashboard-chart = Submitted by hour
dashboard-chart-today = Today
dashboard-chart-before = A week ago
dashboard-chart-label = Submitted by hour today, most at { $hour }:00 with { $count }; a week ago beside it
dashboard-chart-table = As a table
dashboard-hour = Hour
dashboard-missing-signature = UCloud does not know the signature “{ $name }” any more
dashboard-missing-template = UCloud does not know the template “{ $name }” any more
dashboard-disabled-signature = The platform disabled the signature “{ $name }”
dashboard-disabled-template = The platform disabled the template “{ $name }”
