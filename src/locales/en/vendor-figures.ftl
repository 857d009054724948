vendor-title = UCloud's own statistics
vendor-hint = Updated every morning, up to yesterday. UCloud counts all programs of the account.
vendor-ask = Ask UCloud now
vendor-none = UCloud has no statistics for these days yet.
vendor-asked-at = Updated { $time }.
vendor-problem = UCloud's statistics could not be retrieved: { $why }. The console will try again within the hour.
vendor-asked = { $count ->
    [one] UCloud returned 1 row (one per day and country or region).
   *[other] UCloud returned { $count } rows (one per day and country or region).
 }
vendor-not-asked = UCloud did not respond: { $why }
vendor-ours = Sent here
vendor-others = Other programs
vendor-difference = Difference
vendor-parts = Billed parts, console / UCloud
vendor-why = Explanation
vendor-agrees = No difference.
vendor-more = { $count } more at UCloud: sent by other programs whose receipts were not pushed here.
vendor-doubt = { $count } fewer at UCloud: that many of the { $doubt } messages in doubt here may never have been accepted.
vendor-fewer = { $count } fewer at UCloud: check again tomorrow; if the difference remains, contact UCloud support.
vendor-waiting = { " " }{ $count ->
    [one] 1 message is still awaiting a receipt.
   *[other] { $count } messages are still awaiting a receipt.
  }
