receipts-title = Receipts
receipts-lead = Look up by session number or phone. The address of what you find can be bookmarked; it shows the same years later.
receipts-session = Session number
receipts-phone = Phone
receipts-search-session = Look up this session
receipts-search-phone = Look up this phone
receipts-error-session = A session number has letters, digits, dashes and underscores only, up to 64
receipts-of-session = Session number { $session }
receipts-of-phone = Texts to { $phone }
receipts-caption = Newest first
receipts-state = State
receipts-receipt = Receipt
receipts-batch = Batch
receipts-text = Text
receipts-submitted = Submitted
receipts-took = Took
receipts-parts = Parts
receipts-other = Another program
receipts-other-hint = Sent by another program of the same account; the console knows its receipt only
receipts-none-session-title = No receipt under this session number
receipts-none-session = The console did not send it, and UCloud has no receipt for it now. A receipt can take some minutes after sending.
receipts-vendor-error-title = UCloud cannot be asked right now
receipts-vendor-error = The console does not know this session number, and asking UCloud did not succeed. Try again later; nothing is lost.
receipts-none-phone-title = No texts to this phone
receipts-none-phone = This project has sent it nothing, and no receipt of it has come in.
receipts-ask = Ask UCloud now
receipts-asked = { $count ->
    [1] Asked UCloud: 1 receipt
   *[other] Asked UCloud: { $count } receipts
  }
receipts-asked-failed = UCloud did not answer; try again later
receipts-summary = { $count ->
    [1] 1 message
   *[other] { $count } messages
  }
receipts-seconds = { $n } s
receipts-minutes = { $m } min { $s } s
receipts-hours = { $h } h { $m } min
receipts-older = Older
