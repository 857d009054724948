messages-title = Messages
messages-lead = All messages of the account, including those sent by other programs. You can bookmark any filtered view.
messages-caption = Newest first
messages-filters = Filters
messages-find = Filter
messages-more = More filters
messages-filter-phone = Phone number
messages-filter-session = Session number
messages-filter-batch = Batch ID
messages-filter-template = Template
messages-filter-signature = Signature
messages-filter-state = State
messages-filter-code = Code
messages-filter-cause = Cause
messages-filter-from = From
messages-filter-to = To
messages-filter-sent_from = Sent from
messages-filter-sent_to = Sent to
messages-filter-source = Sent by
messages-filter-text = Text
messages-phone-hint = Full number or last 4 digits
messages-text-hint = Part of the text or of a value
messages-any-source = Anyone
messages-source-own = This console
messages-source-other = Other programs
messages-any-state = All states
messages-any-template = All templates
messages-any-signature = All signatures
messages-any-cause = All causes
messages-last-four = ending in { $digits }
messages-chip = { $name }: { $value }
messages-set = Active filters
messages-take-off = Remove filter
messages-take-off-of = Remove filter “{ $filter }”
messages-take-off-all = Clear all filters
messages-error-phone = enter the full number or the last 4 digits
messages-error-session = too long for a session number
messages-error-batch = not found in this project; batch IDs look like b-0c9yx3qk2w000
messages-error-template = not found in this project
messages-error-signature = not found in this project
messages-error-state = choose a state from the list
messages-error-code = too long for a code
messages-error-cause = choose a cause from the list
messages-error-from = enter a date like 2026-11-23 or 2026-11-23 14:30
messages-error-to = enter a date like 2026-11-23 or 2026-11-23 14:30
messages-error-order = must be later than the start
messages-error-sent_from = enter a date like 2026-11-23 or 2026-11-23 14:30
messages-error-sent_to = enter a date like 2026-11-23 or 2026-11-23 14:30
messages-error-source = choose one from the list
messages-error-text = enter at most 100 characters
messages-template = Template
messages-of-batch = Batch
messages-receipt-at = Receipt at
messages-none-title = No messages found
messages-none = Remove some filters. Dates refer to when a message was created; for messages from other programs, to when its receipt arrived.
messages-none-session = The console doesn't know this session number. You can look it up at UCloud.
messages-ask = Ask UCloud
messages-empty-title = No messages yet
messages-empty = Messages you send and receipts that arrive appear here.
messages-look-further = Few matches so far. The most recent few thousand messages have been searched; older ones have not. A download searches all of them.
messages-look-further-do = Search older messages
messages-look-further-on = Few matches so far. The next few thousand messages have been searched; newer ones have not.
messages-look-further-on-do = Search newer messages
messages-newer = Newer
messages-newest = Newest
messages-paging = Pages
messages-message-title = Message to { $phone }
messages-all-to-phone = All messages to this number
messages-text = Text
messages-values-hidden = The values of verification codes are hidden 30 minutes after sending.
messages-values-hidden-always = Your role doesn't let you see the values of verification codes.
messages-reveal-reason = Reason for revealing them
messages-reveal-reason-missing = Enter a reason. It's recorded in the audit log.
messages-reveal = Reveal
messages-text-unknown = Sent by another program of the account. The console knows only its receipt, not its text.
messages-length = { $length ->
    [one] 1 character
   *[other] { $length } characters
  }, billed as { $parts ->
    [one] 1 part
   *[other] { $parts } parts
  }
messages-step-ordered = Ordered by { $person }
messages-step-scheduled = scheduled for { $when }
messages-step-queued = Waiting to be submitted
messages-step-again = Not submitted yet; the console will try again
messages-step-in-flight = Submitting to UCloud
messages-step-accepted = Submitted to UCloud: accepted
messages-step-refused = Submitted to UCloud: refused
messages-step-in-doubt = Submitted to UCloud: no clear response
messages-step-cancelled = Not submitted: the batch was cancelled
messages-step-of = { $n ->
    [one] 1 message in this submission
   *[other] { $n } messages in this submission
  }
messages-step-tries = { $n ->
    [one] 1 attempt
   *[other] { $n } attempts
  }
messages-step-answer-took = took { $seconds } s
messages-step-decide = Resolve
messages-step-awaited = Awaiting receipt
messages-step-not-taken = UCloud refused this message: { $code }
messages-step-suppressed = Not sent: the recipient opted out
messages-step-receipt = Receipt: { $state } { $code }
messages-step-overruled = ignored: another receipt shows the message was delivered
messages-step-said = description: “{ $words }”
messages-step-known = reached the console { $took } later
messages-step-repeated = Sent again: { $state }
messages-step-repeats = This repeats an earlier message: { $state }
messages-step-answer = The recipient replied
messages-step-opted-out = The recipient opted out
messages-audit-batch-approved = Approved by { $person }
messages-audit-batch-paused = Batch paused by { $person }
messages-audit-batch-resumed = Batch resumed by { $person }
messages-audit-batch-cancelled = Batch cancelled by { $person }
messages-audit-doubt-treated-as-sent = { $person } chose to treat it as sent
messages-audit-doubt-sent-again = { $person } chose to send it again
messages-fact-batch = Batch
messages-fact-template = Template
messages-fact-session = Session number
messages-fact-took = Time to receipt
messages-fact-operator = Carrier by number prefix
messages-fact-billed = Billed parts
messages-fact-id = Message ID
messages-fact-user-id = UserId
messages-fact-request = UCloud request ID
messages-fact-source = Sent by
