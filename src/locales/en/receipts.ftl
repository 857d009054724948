receipts-title = Receipts
receipts-lead = Search by session number or phone number. You can bookmark the results; the address keeps working for years.
receipts-session = Session number
receipts-phone = Phone number
receipts-search-session = Search session
receipts-search-phone = Search number
receipts-error-session = A session number has only letters, digits, hyphens, and underscores, and at most 64 characters
receipts-of-session = Session number { $session }
receipts-of-phone = Messages to { $phone }
receipts-caption = Newest first
receipts-state = State
receipts-receipt = Receipt
receipts-batch = Batch
receipts-text = Text
receipts-submitted = Submitted
receipts-took = Time to receipt
receipts-parts = Billed parts
receipts-other = Another program
receipts-other-hint = Sent by another program of the same account; the console knows only its receipt
receipts-none-session-title = No receipts for this session number
receipts-none-session = The console didn't send it, and UCloud has no receipt for it right now. A receipt can take a few minutes to arrive.
receipts-unknown-title = The console doesn't know this session number
receipts-unknown = The console didn't send it, and no receipt for it has arrived. Another program of the same account may have sent it.
receipts-vendor-error-title = UCloud can't be reached right now
receipts-vendor-error = The console doesn't know this session number and couldn't get an answer from UCloud. Try again later; nothing is lost.
receipts-none-phone-title = No messages to this number
receipts-none-phone = This project hasn't sent anything to it, and no receipt for it has arrived.
receipts-ask = Ask UCloud
receipts-asked = { $count ->
    [1] UCloud returned 1 receipt
   *[other] UCloud returned { $count } receipts
  }
receipts-asked-before = The console asked UCloud a few minutes ago. This page shows what it returned.
receipts-asked-busy = The console is busy sending messages. Try again in a moment.
receipts-asked-failed = UCloud did not respond. Try again later.
receipts-summary = { $count ->
    [1] 1 message
   *[other] { $count } messages
  }
receipts-seconds = { $n } s
receipts-minutes = { $m } min { $s } s
receipts-hours = { $h } h { $m } min
receipts-older = Older
receipts-complaint-title = Accepted with RetCode { $code }
receipts-complaint = UCloud gave a session number, so it accepted the submission, but perhaps not all of its phone numbers. Those without a receipt were probably left out.
