send-title = Send a text
send-lead = Send the same text to a few phones, up to { $most } at a time.
send-steps = Steps
send-step-fill = Fill in
send-step-check = Check
send-step-sent = Sent, receipts
send-signature = Signature
send-signature-hint = Approved signatures only: { $count }
send-template = SMS template
send-template-hint = Approved templates only: { $count }
send-template-choose = Use the chosen template
send-template-option = { $name } · { $purpose } · { $id }
send-international = international
send-params = Values
send-param = Variable { $n }
send-params-none = This template has no variables
send-phones = Phones
send-phones-hint = One a line, or separated by commas; spaces, dashes and +86 are taken away. Phones abroad are written (60)1…
send-phones-read = { $entries ->
    [1] 1 entry
   *[other] { $entries } entries
  }: { $phones ->
    [1] 1 phone
   *[other] { $phones } phones
  } can be sent to
send-phones-duplicates = { $count ->
    [1] 1 repeat folded
   *[other] { $count } repeats folded
  }
send-schedule = When
send-schedule-hint = Leave empty to send as soon as you confirm; times are Asia/Shanghai (UTC+8)
send-next = Next: check
send-next-hint = Nothing is sent yet
send-preview = As it arrives
send-preview-empty = Choose a signature and a template to see the text as it arrives.
send-length = Length
send-length-value = { $length } characters
send-length-limit = { $most } at most
send-billing = Billing
send-billing-value = { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  } a phone, { $total } in all
send-ruler = { $length } characters, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
send-ruler-mark = { $length } · { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
send-errors = { $count ->
    [1] One thing needs mending
   *[other] { $count } things need mending
  }
send-error-signature = Choose a signature
send-error-signature-gone = This signature cannot be sent with any more; choose another
send-error-template = Choose an SMS template
send-error-template-gone = This template cannot be sent with any more; choose another
send-error-kinds = One is for texts in China and the other for texts abroad: signature and template do not go together
send-error-phones = Enter at least one phone
send-error-phones-many = These are { $count } phones; { $most } is the most this page sends to at a time
send-error-phones-wrong = { $count ->
    [1] One entry cannot be sent to:
   *[other] { $count } entries cannot be sent to:
  }
send-error-phone-country-domestic = this template is for phones in mainland China
send-error-phone-country-international = this template is for phones abroad
send-error-phone-line = Line { $line }, “{ $text }”: { $why }
send-error-more = and { $count } more
send-error-param = Variable { $n }: { $why }
send-error-too-long = With its signature the text has { $length } characters; { $most } is the most
send-error-schedule = Write the time like 2026-11-24T09:00
send-error-schedule-past = That time has passed; leave it empty to send at once
send-error-schedule-far = At most 90 days ahead
send-none-title = Nothing to send with yet
send-none-signature = Sending needs an approved signature and an approved SMS template. This project has no signature to send with.
send-none-template = There is a signature; an approved SMS template is still missing.
send-none-import-signatures = Import signatures
send-none-import-templates = Import templates
send-check-title = Check and send
send-check-phones = Phones
send-check-more = { $count ->
    [1] and 1 more phone
   *[other] and { $count } more phones
  }
send-check-time = When
send-check-now = As soon as you confirm
send-check-approval = Marketing leaves only after an approver other than you says yes
send-check-quiet = Marketing leaves only between 08:00 and 20:00 (Asia/Shanghai): this one waits until 8 in the morning
send-confirm = Send { $count ->
    [1] 1 text
   *[other] { $count } texts
  }
send-confirm-approval = Ask for approval: { $count ->
    [1] 1 text
   *[other] { $count } texts
  }
send-back = Back to change
send-once = A double click, a reload or the back button sends nothing twice.
send-repeat-title = { $count ->
    [1] { $phone } was sent the same within 24 hours
   *[other] { $count } phones were sent the same within 24 hours
  }
send-repeat-line = { $phone }, { $when } by { $person }: { $state }
send-repeat-again = Send to { $count ->
    [1] this phone
   *[other] these { $count } phones
  } all the same ({ $total } in all)
send-repeat-left-out = { $phone }, repeated within 24 hours, left out
send-repeat-all = Every phone was sent the same within 24 hours. To send it again, tick the box above.
send-changed = Something changed since you checked: look once more, then confirm.
send-done = Stored and on its way: { $count ->
    [1] 1 text
   *[other] { $count } texts
  }
send-done-scheduled = Stored; it leaves { $when }
send-done-approval = Handed in for approval; it leaves when an approver says yes
send-already = This form was sent before and was not sent again. This is what it sent.
