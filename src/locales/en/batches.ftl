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
batches-tabs = By state
batches-all = All
batches-none-title = No batch is in this state
batches-none = Look at another state.
batch-left = Time left
batch-pace = about { $pace } a second
batch-reschedule = Move to
batch-reschedule-do = Change the time
batch-moved-schedule = The time was changed
batch-hold-failures-title = Paused: too many fail
batch-hold-failures = More fail than the project's settings allow, so it was stopped. Look at the causes below; nothing that had not left is lost: resume it, or cancel it.
batch-hold-refused-title = Paused: UCloud refuses the signature or the template
batch-hold-refused = The rest would be refused as well, so it was stopped. Mend the signature or template, then resume; nothing that had not left is lost.
batch-hold-canary-title = The first have left: look, then decide
batch-hold-canary = The rest waits for you: resume to send all of it, or cancel to send none of it.
batch-hold-share = { $failed } of the { $known } whose fate is known failed
batch-canary-title = { $count ->
    [1] The first one leaves alone
   *[other] The first { $count } leave alone
  }; the rest waits
batch-canary-go = Waits at most { $minutes } minutes after they left; goes on by itself when at most { $percent }% fail, else asks you.
batch-canary-ask = Waits at most { $minutes } minutes after they left, then you decide.
batch-causes = Why some did not arrive
batch-cause = Cause
batch-cause-count = Texts
batch-cause-share = Share
batch-cause-do = What to do
batch-cause-refused = Not taken by UCloud
batch-cause-refused-do = Mend it, then send just these again.
batch-cause-unknown = No receipt
batch-cause-unknown-do = No carrier said what became of them; they may have arrived.
batch-download = Download the result of each phone
batch-download-rejected = Download the rows that were not sent
batch-planning = Recipients are still being stored; those that are stored leave already.
batch-resend-of = sends another batch again
batch-resends = Sent again in
upload-title = Send to a list
upload-lead = Upload a CSV or Excel file of up to { $rows } rows and { $mb } MB. Every row is checked first, and nothing is sent before you confirm.
upload-step-file = Upload
upload-step-check = Check
upload-step-approval = Approval
upload-step-sent = Sent, receipts
upload-sample = Download a sample file for this template
upload-schedule-hint = May stay empty until you confirm; times are Asia/Shanghai (UTC+8)
upload-file = File of recipients
upload-file-hint = CSV, TSV, TXT, XLSX or XLS: a column of phones and one for each variable, with a header or without. UTF-8, GBK and UTF-16 can be read.
upload-paste = Or paste phones
upload-phones = Phones
upload-phones-hint = One a line; for a template with variables write: phone,value 1,value 2…
upload-progress = Progress
upload-said = uploaded
upload-failed = The upload broke off. Check the connection and try once more.
upload-next = Upload and check
upload-empty = Choose a file that is not empty, or paste phones
upload-wrong-kind = This is neither text nor a spreadsheet; save it as CSV or XLSX
upload-too-large = The file is too large; { $most } MB is the most. Cut it into several
upload-already = This form was sent before and was not sent again. This is what it made.
upload-problem-quote = A quotation mark in line { $line } is not closed: everything behind it reads as one cell
upload-problem-rows = More than { $most } rows; cut it into several files
upload-problem-bomb = Unpacked, this spreadsheet is larger than any list; it was not read
upload-problem-empty = There is no row to read in this file
upload-problem-broken = This file cannot be opened: it may be broken or have a password. Save it as XLSX or CSV and upload that
preview-title = Check the list: { $name }
preview-file = { $name }, { $size }, { $rows ->
    [1] 1 row
   *[other] { $rows } rows
  }
preview-sheet = sheet “{ $name }”
preview-receiving = On its way here
preview-reading = Every row is being checked
preview-reading-hint = You may leave this page, checking goes on; find it again among the drafts of the batches.
preview-far = { $percent }% read, { $rows ->
    [1] 1 row
   *[other] { $rows } rows
  }
preview-unreadable = This file cannot be read
preview-unreadable-hint = Mend it and upload it again; nothing was sent.
preview-upload-again = Upload again
preview-read-gbk = Read it again as GBK
preview-discard = Throw this list away
preview-discarded = The list was thrown away
preview-verdict = { $going ->
    [1] 1 phone
   *[other] { $going } phones
  } can be sent to; { $aside ->
    [1] 1 row is
   *[other] { $aside } rows are
  } not sent
preview-verdicts = Rows by result
preview-result = Result
preview-rows = Rows
preview-share = Share
preview-hint = What it means
preview-all-rows = All rows
preview-columns = Which column is what
preview-column = Column { $n }
preview-column-name = Column of the file
preview-first-row = First row
preview-used-as = Used as
preview-column-used = { $name } used as
preview-use-phone = Phone
preview-use-none = Not used
preview-header = The first row names the columns
preview-more = Another signature, template or encoding
preview-encoding = Encoding
preview-delimiter = Between columns
preview-read-again = Check again like this
preview-samples = As it arrives
preview-no-sample = No row can be sent.
preview-shortest = Shortest: line { $line }, { $length } characters, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
preview-longest = Longest: line { $line }, { $length } characters, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
preview-random = At random: line { $line }, { $length } characters, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
preview-cost = Cost and time
preview-parts = Billed parts
preview-several = { $count ->
    [1] 1 phone needs
   *[other] { $count } phones need
  } more than 1 part
preview-price = Expected cost
preview-unit = ¥{ $price } a part
preview-no-price = Shown once the project's settings have a price
preview-time = Expected time
preview-duration = { $minutes } min { $seconds } s
preview-pace = about { $pace } a second ({ $calls } calls)
preview-operators = Operators by prefix
operator-cmcc = China Mobile
operator-ctcc = China Telecom
operator-cucc = China Unicom
operator-other = Others
preview-send = Send
preview-name = Name of the batch
preview-repeats = { $count ->
    [1] 1 phone was sent the same within 24 hours and is left out
   *[other] { $count } phones were sent the same within 24 hours and are left out
  }
preview-repeats-again = { $count ->
    [1] Send to this one as well
   *[other] Send to these { $count } as well
  }
preview-recount = Count again
preview-approval = More phones than the project's settings allow without a second person: it leaves when an approver says yes.
preview-confirm = Send to { $count ->
    [1] this phone
   *[other] these { $count } phones
  }
preview-confirm-approval = Ask for approval: { $count ->
    [1] 1 phone
   *[other] { $count } phones
  }
preview-download = Download the { $count ->
    [1] row that is
   *[other] { $count } rows that are
  } not sent
preview-line = Line
preview-phone = Phone
preview-why = Why
preview-row = As written
preview-aside-all = Rows that are not sent
preview-done = Ordered and on its way
preview-done-scheduled = Ordered; it leaves at its time
preview-nobody = There is no phone to send to
preview-error-phone = Choose the column of the phone
preview-error-variable = Choose a column for every variable
preview-error-twice = Two columns are used for the same; choose one
preview-error-name = Give the batch a name
delimiter-comma = comma
delimiter-semicolon = semicolon
delimiter-tab = tab
delimiter-bar = vertical bar
canary-title = Send to a few first and see how they fare
canary-first = How many first
canary-minutes = Wait so many minutes at most
canary-then = Then
canary-ask = ask me
canary-go = go on when at most { $percent }% fail
canary-error-first = From 1 to 1000 may leave first
canary-error-minutes = Wait from 0 to 1440 minutes
canary-error-percent = Choose from the list
verdict-ready = Ready
verdict-ready-hint = Phone and values are fine
verdict-wrong_phone = Wrong phone
verdict-wrong_phone-hint = Too few or many digits, a landline, or no mobile
verdict-wrong_country = Wrong country
verdict-wrong_country-hint = The template is for phones of other countries
verdict-missing_value = Value missing
verdict-missing_value-hint = A variable is empty
verdict-bad_value = Bad value
verdict-bad_value-hint = A variable has characters that cannot be sent
verdict-too_long = Too long
verdict-too_long-hint = With its signature it has more than 500 characters
verdict-duplicate = Duplicate
verdict-duplicate-hint = Of each phone only the first row counts
verdict-suppressed = Opted out
verdict-suppressed-hint = On the list of phones that opted out
verdict-repeat = Repeat within 24 hours
verdict-repeat-hint = Was sent the same within 24 hours
resend-title = Send again what did not arrive
resend-lead = The phones you choose become a new list, to be checked and confirmed before anything leaves; it and this batch link to each other.
resend-which = Which ones
resend-for_now = { $count ->
    [1] 1 that may have failed for now only
   *[other] { $count } that may have failed for now only
  }
resend-for_now-hint = Without phones that do not exist, are suspended, in arrears, not provisioned or on a blacklist
resend-all = { $count ->
    [1] The 1 that failed
   *[other] All { $count } that failed
  }
resend-all-hint = Those that do not exist or are blacklisted too: most will fail again
resend-refused = { $count ->
    [1] 1 that UCloud did not take
   *[other] { $count } that UCloud did not take
  }
resend-refused-hint = Mend what it was refused for first
resend-cancelled = { $count ->
    [1] 1 that was called off before it left
   *[other] { $count } that were called off before they left
  }
resend-cancelled-hint = It was never sent
resend-doubt = { $count ->
    [1] 1 in doubt is
   *[other] { $count } in doubt are
  } not among them: UCloud may have taken them.
resend-waiting = { $count ->
    [1] 1 is
   *[other] { $count } are
  } still without a result and not among them.
resend-next = Make the list and check it
resend-none = There is nothing to send again
resend-file = Again: { $name }
suppressions-title = Opted out
suppressions-lead = Nothing of this project is sent to these phones: they are taken out when a list is checked, and once more before a text leaves.
suppressions-search = Phone or last four digits
suppressions-find = Find
suppressions-empty-title = Nobody is on this list
suppressions-empty = When somebody opts out or complains, add their phone here.
suppressions-not-found = This phone is not on the list
suppressions-reason = Reason
suppressions-note = Note
suppressions-by = Added by
suppressions-at = When
suppressions-remove = Remove
suppressions-offered = on UCloud’s list too
suppressions-export = Download the list
suppressions-offer = Put on UCloud’s blacklist
suppressions-offer-hint = Then no other program of the account sends to them either.
suppressions-add = Add to the list
suppressions-phones-hint = One a line, or separated by commas
suppressions-file = Or upload a file (CSV, TXT, XLSX)
suppressions-remove-title = Remove from the list?
suppressions-remove-what = This phone can then be sent to again. The reason is written to the audit log.
suppressions-why = Why
suppressions-why-missing = Write down why
suppressions-remove-do = Remove
suppressions-keep = Keep it on the list
suppression-reply = Opted out by reply
suppression-complaint = Complained
suppression-person = Added by hand
suppression-import = Imported
suppression-by-console = the console
suppression-error-file = This file cannot be read; save it as CSV or XLSX
suppression-error-phones = { $count ->
    [1] One entry is no phone: { $named }
   *[other] { $count } entries are no phones: { $named }
  }. Nothing was added; mend it and try again.
suppression-added = { $added } added; { $there } were on the list already
suppression-removed = { $phone } was removed
suppression-offered = UCloud took { $taken } and did not take { $refused }
suppression-offer-failed = Not all of them got there: { $why }. Press again; nothing is put there twice.
policy-title = Rules for batches
policy-lead = Prices are for expected costs; larger batches need an approver’s yes; too many failures pause a batch.
policy-price_domestic = Price of a part in China (yuan)
policy-price_domestic-hint = Like 0.045; a batch keeps the price it was ordered at. Costs are not shown when empty
policy-price_international = Price of a part abroad (yuan)
policy-price_international-hint = Costs are not shown when empty
policy-approval_over = Approval for more than so many phones
policy-approval_over-hint = Marketing always needs it; when empty, other batches do not
policy-failure_percent = Pause when so many percent fail
policy-failure_percent-hint = 1 to 100
policy-failure_least = Of at least so many known results
policy-failure_least-hint = A few failures among a few say little
policy-wrong = Write a number within the limits
