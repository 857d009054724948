settings-title = Settings
settings-notifications = Notifications
settings-notifications-lead = Sent when a signature or template is approved, rejected, disabled, or no longer found at UCloud, when the console pauses a batch, and when UCloud's pushes stop arriving.
settings-webhook = Webhook
settings-webhook-hint = Receives a JSON POST request. A 2xx response counts as delivered; otherwise the console retries for more than a day.
settings-webhook-wrong = Enter a URL that starts with http:// or https://
settings-webhook-not-public = This URL leads to a private network. To allow it, add the network to CONSOLE_OUTBOUND_ALLOW and restart the console.
settings-webhook-key = Signing key
settings-webhook-key-hint = X-Console-Signature is sha256= followed by the hex HMAC-SHA256 of X-Console-Timestamp, a period, and the body
settings-emails = Email recipients
settings-emails-hint = One per line, up to 20
settings-emails-wrong = Enter valid email addresses, up to 20
settings-no-mail = No mail server is configured (CONSOLE_SMTP_URL and CONSOLE_MAIL_FROM), so email can't be sent
settings-language = Email language
settings-test = Send a test
settings-tested = Test notification queued. Its result appears below.
settings-test-notification = Test
settings-saved = Saved
settings-latest = Recent notifications
settings-what = Notification
settings-way = Channel
settings-state = Result
settings-when = Time
settings-delivered = Delivered
settings-given-up = Failed; no more retries
settings-tried = { $count ->
    [one] Failed once; will be retried
   *[other] Failed { $count } times; will be retried
  }
notification-channel-webhook = Webhook
notification-channel-email = Email
notification-signature = Signature
notification-template = SMS template
notification-status-approved = approved
notification-status-rejected = rejected
notification-status-disabled = disabled by the platform
notification-status-missing = no longer found at UCloud
notification-status-waiting = waiting for review
notification-status-in_review = in review
notification-subject = { $what } “{ $name }”: { $status }
notification-text = { $what } “{ $name }” ({ $id }) in project { $project }: { $status }.
notification-reason = UCloud: { $reason }
notification-time = Time: { $at }
notification-batch = Batch “{ $name }”: { $title }
notification-approval = Batch “{ $name }” awaits approval
notification-approval-text = Batch “{ $name }” in project { $project } awaits approval by someone other than the person who ordered it. Nothing is sent before.
notification-sent-back = Batch “{ $name }” was sent back
notification-sent-back-text = Batch “{ $name }” in project { $project }, ordered by { $person }, was sent back instead of being approved. Nothing was sent. Reason: { $reason }
notification-batch-text = Batch “{ $name }” in project { $project } is paused and needs attention.
timeline-empty = No events yet
settings-nobody = No channel is set up yet. Enter a webhook or an email address and save it first.
notification-error-not-configured = this channel is no longer set up
notification-error-unreadable = the stored notification can't be read
notification-error-sealed = the stored address can't be decrypted; check CONSOLE_SECRET_KEY
notification-error-database = the database did not respond
notification-error-no-mail = no mail server is configured (CONSOLE_SMTP_URL)
notification-error-message = the email could not be composed: { $said }
notification-error-mail = mail server error: { $said }
notification-error-unreachable = the webhook could not be reached: { $said }
notification-error-not-public = the webhook leads to a private network that CONSOLE_OUTBOUND_ALLOW doesn't name
notification-error-answer = the webhook responded with { $said }
prices-title = Prices
prices-lead = What UCloud charges per part, in CNY, according to your contract. UCloud's list has a price for each kind; verification codes without a price of their own cost what notices cost. A batch uses the prices in effect when it was ordered.
prices-all = All prices
prices-none = No prices yet, so no costs are shown.
prices-kind = Kind
prices-kind-notice = Verification codes and notices, Mainland China
prices-kind-notice-alone = Notices, Mainland China
prices-kind-verification = Verification codes, Mainland China
prices-kind-marketing = Marketing, Mainland China
prices-kind-international = International
prices-country = Country or region
prices-country-hint = For international messages: a calling code such as +60, or a name from the list. Leave empty for all countries and regions without a price of their own.
prices-other-countries = All other countries and regions
prices-price = Price per part (CNY)
prices-price-hint = For example, 0.045; at most four decimals
prices-valid_from = Valid from
prices-valid_from-hint = A date (Asia/Shanghai), for example 2026-12-01. It applies to batches ordered on that day or later.
prices-state = State
prices-valid = Valid
prices-later = Upcoming
prices-replaced = Superseded
prices-is-sample = Sample, not your price
prices-add = Add price
prices-delete = Delete
prices-deleted = Price deleted
prices-import = Import prices
prices-file = CSV file
prices-file-hint = With the columns kind, country, price, and valid_from. Kinds are verification, notice, marketing, and international. Without a price for verification, that for notice applies. If a row is wrong, nothing is imported.
prices-sample = Download sample
prices-sample-hint = The rows of the sample are examples and are refused until you enter your prices and clear the note.
prices-example = example from UCloud's list of { $day }, check your contract
prices-example-abroad = example without a price: UCloud publishes none, check your contract
prices-imported = { $count ->
    [1] 1 price imported
   *[other] { $count } prices imported
  }
prices-wrong = Nothing was imported. Correct these rows and try again:
prices-wrong-line = Line { $line }: { $why }
prices-wrong-columns = The first line must name the columns kind, country, price, and valid_from
prices-wrong-kind = The kind must be verification, notice, marketing, or international
prices-wrong-country = Enter a calling code such as +60 or a known name, and none for Mainland China
prices-wrong-price = Enter a price from 0 to 100 CNY with at most four decimals
prices-wrong-valid_from = Enter a date such as 2026-12-01
prices-wrong-example = This row is still an example. Enter your price and clear the note.
prices-wrong-twice = Another row has a different price for the same kind, country, and date
prices-wrong-rows = The file has no rows, or too many
prices-wrong-unreadable = This row can't be read as CSV
cost-billed = Billed cost
cost-billed-parts = { $parts ->
    [1] 1 part in receipts
   *[other] { $parts } parts in receipts
  }
cost-billed-waiting = { $parts ->
    [1] 1 part in receipts
   *[other] { $parts } parts in receipts
  }; { $waiting } awaiting receipt
cost-countries = { $count } countries and regions, each at its own price
cost-unpriced = { $count ->
    [1] 1 country or region has no price: { $names }
   *[other] { $count } countries and regions have no price: { $names }
  }
cost-at-least = at least { $cost }
cost-with-note = { $cost }; { $note }
