batches-title = Batches
batches-caption = Newest first
batches-empty-title = No batches yet
batches-empty = Every send leaves an entry here: to whom, how far it got, what did not arrive.
batches-name = Batch
batches-state = State
batches-progress = Progress
batches-phones = Phones
batches-time = Time
batches-by = Ordered by
batches-progress-of = Progress of { $name }
batch-title = Batch: { $name }
batch-by = Ordered by { $person },
batch-decided-cancelled = called off by { $person }
batch-decided-approved = approved by { $person }
batch-submitted = Submitted
batch-waiting = Awaiting receipts
batch-delivery-rate = Delivered
batch-delivery-rate-of = of { $count } with a receipt
batch-parts = Billing
batch-parts-value = { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
batch-parts-hint = estimated by length
batch-total = All phones
batch-balanced = The books balance: every phone is in one of these
batch-unbalanced = The books do not balance: ask an administrator to run usms-console doctor
batch-live = Updates by itself
batch-live-status = Submitted { $sent } of { $total }, delivered { $delivered }, failed { $failed }
batch-awaiting-title = Awaiting approval
batch-awaiting = Marketing leaves only after an approver other than the person who ordered it says yes.
batch-awaiting-own = You ordered this one; another approver has to say yes.
batch-approve = Approve and send
batch-scheduled = Leaves { $when }
batch-quiet-title = These are quiet hours for marketing
batch-quiet = Marketing leaves only between 08:00 and 20:00 (Asia/Shanghai); what is left goes on at 8 in the morning.
batch-hold-person-title = Paused
batch-hold-person = Somebody paused this batch; what has not left is still here.
batch-hold-balance-title = Paused: the balance is used up
batch-hold-balance = Top up the account, then resume. What has not left is still here, and nothing is sent twice.
batch-hold-permission-title = Paused: UCloud refuses this project's keys or permissions
batch-hold-permission = Ask an administrator to check the project's keys, its project id and the list of allowed addresses, then resume.
batch-hold-vendor_unavailable-title = Paused: UCloud did not take it for a long time
batch-hold-vendor_unavailable = Several tries did not succeed; what has not left is still here. Resume it later.
batch-hold-missed_schedule-title = Paused: its time was missed
batch-hold-missed_schedule = The console was not running when this was due, and more than 10 minutes have passed. Send it now, or cancel it?
batch-hold-detail = In UCloud's words: { $words }
batch-doubt-title = { $count ->
    [1] 1 message is in doubt
   *[other] { $count } messages are in doubt
  }
batch-doubt = UCloud may have taken them, so they are not sent again by themselves. A receipt settles them; a person can decide, too.
batch-doubt-look = { $count ->
    [1] Look at it
   *[other] Look at these { $count }
  }
batch-pause = Pause
batch-resume = Resume
batch-cancel = Cancel the remaining { $count }
batch-cancel-title = Cancel the remaining { $count }?
batch-cancel-what = { $count } messages that have not left will not leave. What was submitted is not affected and its receipts are recorded. This cannot be undone.
batch-cancel-keep = Keep it
batch-again = Send again
batch-moved-pause = Paused
batch-moved-resume = Resumed
batch-moved-cancel = What had not left was called off
batch-moved-approve = Approved, on its way
batch-not-moved = Nothing changed: the batch has moved on meanwhile
batch-messages = Every phone
batch-messages-caption = In the order they were given
batch-message-phone = Phone
batch-message-state = State
batch-message-receipt = Receipt
batch-message-session = Session number
batch-message-time = Time
batch-message-waiting = awaiting the receipt
batch-message-none = —
batch-troubles = What happened while submitting
batch-trouble-time = Time
batch-trouble-code = Code
batch-trouble-what = What happened
batch-trouble-n = Messages
batch-trouble-lease = The process that sent it was cut off; nobody knows whether UCloud took it
batch-content = What was ordered
batch-template = SMS template
batch-signature = Signature
batch-sessions = Session numbers
batch-id = Batch id
batch-newer = Earlier ones
batch-older = Later ones
doubt-title = Submissions in doubt
doubt-lead = These left without a clear answer. UCloud has no way to tell a repeated call, so the console never repeats one by itself; a receipt that carries our id settles it.
doubt-none-title = Nothing is in doubt
doubt-none = Every message is accounted for.
doubt-when = Left at
doubt-phones = Phones
doubt-why = Why in doubt
doubt-request = UCloud request id
doubt-treat = Treat as sent
doubt-treat-hint = Not sent again; receipts are awaited, and after 72 hours without one it is unknown.
doubt-again = Send again (may arrive twice)
doubt-again-hint = If UCloud did take it, people receive the text twice.
doubt-treat-all = Treat all as sent
doubt-decided = { $count ->
    [1] Decided 1 submission
   *[other] Decided { $count } submissions
  }
doubt-back = Back to the batch
batch-standing-awaiting = Awaiting receipts
batch-standing-in-doubt = In doubt
batch-trouble-timed-out = no answer came in time
batch-trouble-cut-off = the connection broke before the answer
batch-trouble-http-status = UCloud answered with an HTTP error
batch-trouble-not-an-answer = the answer could not be read
batch-trouble-no-session-no = UCloud said yes without a session number
batch-trouble-unreachable = UCloud could not be reached
batch-trouble-unbuildable = the request could not be built
batch-trouble-sealed = the keys of this project cannot be opened: an administrator has to check CONSOLE_SECRET_KEY
batch-trouble-database = the database did not answer, so nothing was sent
doubt-count = { $count ->
    [1] 1 message
   *[other] { $count } messages
  }
doubt-again-title = { $count ->
    [1] Send this submission again?
   *[other] Send these { $count } submissions again?
  }
doubt-again-keep = Leave it in doubt
