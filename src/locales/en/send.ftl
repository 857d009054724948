send-title = Send a message
send-lead = Send the same message to up to { $most } phone numbers.
send-steps = Steps
send-step-fill = Compose
send-step-check = Check
send-step-sent = Results
send-signature = Signature
send-signature-hint = Approved signatures only: { $count }
send-template = SMS template
send-template-hint = Approved templates only: { $count }
send-template-choose = Use selected template
send-template-option = { $name } · { $purpose } · { $id }
send-international = International
send-params = Values
send-param = Variable { $n }
send-params-none = This template has no variables
send-params-code = 1 to 7 letters or digits for each variable
send-params-hidden = The values of the earlier message are hidden; enter new ones
send-phones = Phone numbers
send-phones-hint = One per line, or separated by commas. Spaces, hyphens, and +86 are removed. Start international numbers with the country code in parentheses, like (60)1…
send-phones-read = { $entries ->
    [1] 1 entry
   *[other] { $entries } entries
  }: { $phones ->
    [1] 1 valid phone number
   *[other] { $phones } valid phone numbers
  }
send-phones-duplicates = { $count ->
    [1] 1 duplicate removed
   *[other] { $count } duplicates removed
  }
send-schedule = Schedule (optional)
send-schedule-hint = Leave empty to send as soon as you confirm. Times are Asia/Shanghai (UTC+8).
send-next = Continue
send-next-hint = Nothing is sent yet
send-preview = Preview
send-preview-empty = Choose a signature and a template to preview the message.
send-length = Length
send-length-value = { $length ->
    [1] 1 character
   *[other] { $length } characters
  }
send-length-limit = up to { $most }
send-billing = Billed parts
send-billing-value = { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  } per message, { $total } in total
send-ruler = { $length ->
    [1] 1 character
   *[other] { $length } characters
  }, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
send-ruler-mark = { $length } · { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
send-errors = { $count ->
    [1] There is 1 error
   *[other] There are { $count } errors
  }
send-error-signature = Choose a signature
send-error-signature-gone = This signature can no longer be used. Choose another.
send-error-template = Choose an SMS template
send-error-template-gone = This template can no longer be used. Choose another.
send-error-kinds = The signature and the template must both be for Mainland China or both be international
send-error-phones = Enter at least one phone number
send-error-phones-many = You entered { $count } phone numbers; the limit is { $most }
send-error-phones-wrong = { $count ->
    [1] 1 phone number can't be used
   *[other] { $count } phone numbers can't be used
  }
send-error-phone-country-domestic = This template is for Mainland China numbers only
send-error-phone-country-international = This template is for international numbers only
send-error-phone-line = Line { $line }, “{ $text }”: { $why }
send-error-more = and { $count } more
send-error-param = Variable { $n }: { $why }
send-error-too-long = The message has { $length } characters including the signature; the limit is { $most }
send-error-schedule = Enter the time like 2026-11-24T09:00
send-error-schedule-past = This time has passed. Leave the field empty to send right away.
send-error-schedule-far = Choose a time within the next 90 days
send-none-title = You can't send yet
send-none-signature = To send within the Chinese mainland, you need an approved signature and an approved SMS template. This project has no approved signature. International messages can do without one: an approved international template is enough.
send-none-template = This project has an approved signature but no approved SMS template.
send-none-import-signatures = Import signatures
send-none-import-templates = Import templates
send-check-title = Check and send
send-check-phones = Phone numbers
send-check-more = { $count ->
    [1] and 1 more phone number
   *[other] and { $count } more phone numbers
  }
send-check-time = Schedule
send-check-now = As soon as you confirm
send-check-approval = Marketing is sent only after an approver other than you approves it.
send-check-quiet = Marketing is sent only between 08:00 and 20:00 (Asia/Shanghai). This one will be sent from 08:00.
send-check-values = Check these values before you send
send-confirm = { $count ->
    [1] Send 1 message
   *[other] Send { $count } messages
  }
send-confirm-schedule = { $count ->
    [1] Schedule 1 message
   *[other] Schedule { $count } messages
  }
send-confirm-approval = { $count ->
    [1] Request approval for 1 message
   *[other] Request approval for { $count } messages
  }
send-back = Back to edit
send-once = Double-clicking, reloading, or going back never sends anything twice.
send-repeat-title = { $count ->
    [1] { $phone } was sent, or will be sent, the same message within 24 hours of this one
   *[other] { $count } recipients were sent, or will be sent, the same message within 24 hours of this one
  }
send-repeat-line = { $phone }, { $when }, ordered by { $person }: { $state }
send-repeat-again = Send to { $count ->
    [1] this recipient
   *[other] these { $count } recipients
  } anyway ({ $total } in total)
send-repeat-left-out = { $phone }: left out, same message within 24 hours
send-repeat-all = Every recipient was sent, or will be sent, the same message within 24 hours. To send it again, select the checkbox above.
send-changed = Something changed since you checked. Check again, then confirm.
send-done = { $count ->
    [1] Confirmed: 1 message
   *[other] Confirmed: { $count } messages
  }
send-done-scheduled = Scheduled for { $when }
send-done-approval = Approval requested. The batch is sent once an approver approves it.
send-already = This form was already submitted, so nothing was sent again. Here is the result.
frequency-verification = Limits per phone number that UCloud's documents name: 1 verification code a minute, 3 an hour, and 6 a day; the same text 5 times a day (China Telecom: 2). China Mobile locks a number for 30 minutes after more than 3 texts in 30 minutes. What exceeds them may fail.
frequency-notice = Limits per phone number that UCloud's documents name: the same text not again within 10 minutes and 5 times a day (China Telecom: 2); any text 5 times a minute, 10 an hour, and 10 a day, on some channels 2 in 30 minutes. China Mobile locks a number for 30 minutes after more than 3 texts in 30 minutes, and takes at most 6 a minute, 50 of the same text and 100 a day. What exceeds them may fail.
frequency-marketing = Limits per phone number that UCloud's documents name: the same text not again within 10 minutes and 5 times a day (China Telecom: 2); any text 5 times a minute, 10 an hour, and 10 a day, on some channels 2 in 30 minutes. China Mobile locks a number for 30 minutes after more than 3 texts in 30 minutes, and takes at most 6 a minute, 50 of the same text and 100 a day. It takes at most 50 marketing messages a month. What exceeds these limits may fail. Marketing leaves only from 08:00 to 20:00.
opt-out-added = “{ $text }” isn't in the template. UCloud may add this to the end, so it is shown and counted.
no-signature = Without a signature
send-without-signature = Without a signature (international only)
send-error-signature-needed = Choose a signature. Only international messages can be sent without one.
