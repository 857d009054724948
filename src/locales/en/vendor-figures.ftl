vendor-title = UCloud’s own figures
vendor-hint = Asked for every morning, up to yesterday. UCloud counts all programs of the account.
vendor-ask = Ask UCloud now
vendor-none = UCloud has said nothing of these days yet.
vendor-asked-at = Asked { $time }.
vendor-problem = UCloud could not be asked: { $why }. It is asked again within the hour.
vendor-asked = UCloud answered: { $count ->
    [one] one row of a day and country
   *[other] { $count } rows of a day and country each
 }.
vendor-not-asked = UCloud did not answer: { $why }
vendor-ours = Sent here
vendor-others = Other programs
vendor-difference = Difference
vendor-parts = Parts, ours / UCloud
vendor-why = What it comes from
vendor-agrees = The same.
vendor-more = { $count } more at UCloud: other programs sent them, and their receipts never came here.
vendor-doubt = { $count } fewer at UCloud: of the { $doubt } in doubt here, so many may never have been taken.
vendor-fewer = { $count } fewer at UCloud: ask again tomorrow, and its support if it stays.
vendor-waiting = { " " }{ $count } still await a receipt.
