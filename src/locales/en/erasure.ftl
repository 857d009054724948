erasure-title = Erase a phone number
erasure-lead = Erases the personal data of one phone number in all projects, on request of the person. Counts and statistics stay.
erasure-found = This will be erased
erasure-done = Erased
erasure-messages = Messages whose number and values are replaced
erasure-external = Messages of other programs
erasure-replies = Replies
erasure-rows = Rows of recipient lists
erasure-opt-outs = Opt-outs, kept as a keyed hash that is still honored
erasure-left = { $count ->
    [1] 1 message or row can't be erased yet: it waits to be sent or awaits a receipt, or belongs to a draft.
   *[other] { $count } messages or rows can't be erased yet: they wait to be sent or await receipts, or belong to drafts.
  } Repeat this after 72 hours, and discard the drafts.
erasure-confirm = Erase for good
erasure-phone = Phone number
erasure-phone-wrong = Enter one phone number
erasure-look = Show what there is
erasure-not = What can't be erased here
erasure-not-vendor = What UCloud and carriers have stored: ask UCloud.
erasure-not-files = Files that were downloaded, notifications that were sent, and backups.
erasure-not-audit = Audit events that name the number, such as a removed opt-out. They end with the retention of the audit log.
erasure-not-raw = Raw pushes, for 3 days, or for 30 days if they could not be read; opt-out lists that wait to be added.
