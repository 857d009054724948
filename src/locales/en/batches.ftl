batches-title = Batches
batches-caption = Newest first
batches-empty-title = No batches yet
batches-empty = Everything you send is listed here, with its recipients, its progress, and what was not delivered.
batches-name = Batch
batches-state = State
batches-progress = Progress
batches-phones = Recipients
batches-time = Time
batches-filter-name = Name or ID
batches-any-person = Anyone
batches-leaves = Leaves at
batches-error-person = This person has ordered nothing in this project.
batches-further = Few matches so far. The newest 1,000 batches have been searched; older ones have not.
batches-by = Ordered by
batches-progress-of = Progress of { $name }
batch-title = Batch: { $name }
batch-by = Ordered by { $person },
batch-decided-cancelled = cancelled by { $person }
batch-decided-approved = approved by { $person }
batch-submitted = Submitted
batch-waiting = Awaiting receipt
batch-delivery-rate = Delivered
batch-delivery-rate-of = of { $count } with a receipt
batch-awaiting-cost = Expected cost: { $cost } ({ $note })
batch-awaiting-size = { $count ->
    [1] 1 recipient
   *[other] { $count } recipients
  }, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }, ordered by { $person }.
batch-parts = Billed parts
batch-parts-value = { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
batch-parts-hint = estimated by length
batch-total = Total
batch-balanced = Every message is accounted for
batch-unbalanced = The totals don't add up. Ask an administrator to run usms-console doctor.
batch-live = Updates automatically
batch-live-stale = This page could not refresh, so it may be out of date. It tries again every few seconds; sending is not affected.
batch-live-interrupted = Automatic updates are interrupted, so this page refreshes less often. Sending is not affected.
batch-live-no-access = You no longer have access to this batch, so this page no longer refreshes.
batch-live-signed-out = Your login session has ended, so this page no longer refreshes. Reload it to sign in; sending is not affected.
batch-live-status = { $sent } of { $total } submitted, { $delivered } delivered, { $failed } failed
batch-awaiting-title = Awaiting approval
batch-awaiting = An approver other than the person who ordered this batch has to approve it before it is sent.
batch-awaiting-own = You ordered this batch, so another approver has to approve it.
batch-awaiting-time = Scheduled for { $when }
batch-awaiting-now = It is sent as soon as it is approved.
batch-messages-by-state = Messages by state
batch-approve = Approve
batch-send-back = Send back
batch-send-back-reason = Or send it back: what has to change?
batch-send-back-no-reason = Enter a reason: whoever ordered the batch has to know what to change.
batch-send-back-long = The reason is too long: at most { $most } characters.
batch-sent-back-title = { $person } sent this back
batch-sent-back-before = Sent back before by { $person }
batch-edit-again = Edit and order again
batch-listed-later = Recipients are listed once the batch is approved.
batch-scheduled = Scheduled for { $when }
batch-quiet-title = Marketing quiet hours
batch-quiet = Marketing is sent only between 08:00 and 20:00 (Asia/Shanghai). Messages not yet submitted are sent from 08:00.
batch-paused-person-title = Paused
batch-paused-time = Once resumed, it is sent at { $when }.
batch-paused-person = Someone paused this batch. Messages not yet submitted are kept until you resume or cancel it.
batch-paused-balance-title = { $package ->
    [marketing] Paused: marketing package used up
    [international] Paused: international package used up
   *[notice] Paused: verification and notice package used up
}
batch-paused-balance = { $package ->
    [marketing] Buy a marketing package (营销推广类), or a general one (通用类) if UCloud offers it to you, under 套餐包管理 in UCloud's console, then resume. Packages for verification and notices don't count, and neither does money in the account.
    [international] Buy an international package (国际及港澳台短信) for { $countries } under 套餐包管理 in UCloud's console, then resume. Packages for the Chinese mainland or other countries don't count, and neither does money in the account.
   *[notice] Buy a verification and notice package (验证通知类), or a general one (通用类) if UCloud offers it to you, under 套餐包管理 in UCloud's console, then resume. Marketing packages don't count, and neither does money in the account.
} If the package still has messages, contact UCloud support. Messages not yet submitted are kept, and nothing is sent twice.
batch-countries = the countries of this batch
batch-countries-more = { $names } and { $count } more
batch-paused-permission-title = Paused: UCloud refused this project's keys or permissions
batch-paused-permission = Ask an administrator to check the project's keys, project ID, and IP allowlist at UCloud, then resume.
batch-paused-vendor_unavailable-title = Paused: UCloud unavailable
batch-paused-vendor_unavailable = Several attempts failed. Messages not yet submitted are kept; resume the batch later.
batch-paused-missed_schedule-title = Paused: scheduled time missed
batch-paused-missed_schedule = The batch could not start at its scheduled time, and more than 10 minutes have passed. Send it now, choose another time, or cancel it.
batch-paused-database_went_back-title = Paused: some of these messages may have been sent
batch-paused-database_went_back = The database was rolled back to an earlier point in time, so it isn't known which of the remaining messages were sent. Mark the rest as in doubt, and receipts will show what was sent. If an approver sends the rest, some people may receive it twice.
batch-may-have-sent-title = This may have been sent already
batch-may-have-sent = The database was rolled back to about { $when }. If somebody sent this batch after that, the database has no record of it. Check with whoever works on it, and compare UCloud's counts, before you continue.
batch-doubt-rest = Mark the rest as in doubt
batch-send-rest = Send the rest
batch-rest-doubted = The remaining messages are now in doubt. Receipts will show which were sent.
batch-problem-went-back = The database was rolled back to an earlier point in time, so it isn't known whether this was sent
batch-paused-detail = UCloud: { $words }
batch-in-doubt-title = { $count ->
    [1] 1 message is in doubt
   *[other] { $count } messages are in doubt
  }
in-doubt-out-of-date = The submissions in doubt have changed since this page was opened, so nothing was decided. Check the list, then decide again.
batch-in-doubt = The console doesn't send messages in doubt again by itself, because UCloud may have accepted them. A receipt resolves them, or you can decide.
batch-in-doubt-look = { $count ->
    [1] Resolve 1 message
   *[other] Resolve { $count } messages
  }
batch-pause = Pause
batch-resume = Resume
batch-cancel = { $count ->
    [0] Cancel
    [1] Cancel the remaining message
   *[other] Cancel the remaining { $count }
  }
batch-cancel-title = { $count ->
    [1] Cancel the remaining message?
   *[other] Cancel the remaining { $count } messages?
  }
batch-cancel-what = { $count ->
    [1] 1 message that hasn't been submitted won't be sent.
   *[other] { $count } messages that haven't been submitted won't be sent.
  } Messages already submitted aren't affected, and their receipts are still recorded. You can't undo this.
batch-cancel-back = Don't cancel
batch-again = Send again
batch-moved-pause = { $count ->
    [0] Paused
    [1] Paused; 1 message being submitted may still be delivered
   *[other] Paused; { $count } messages being submitted may still be delivered
  }
batch-late-pause = Too late to pause: all messages have been submitted
batch-late-cancel = Too late to cancel: all messages have been submitted
batch-under-way = { $count ->
    [1] 1 message being submitted may still be delivered.
   *[other] { $count } messages being submitted may still be delivered.
  }
batch-moved-resume = Resumed
batch-moved-cancel = { $count ->
    [0] Cancelled; nothing more will be sent
    [1] Cancelled; 1 message being submitted may still be delivered
   *[other] Cancelled; { $count } messages being submitted may still be delivered
  }
batch-moved-send-back = Sent back: it is a draft of { $person } again
batch-moved-send-back-cancelled = Sent back: it is cancelled, and { $person } can order it again
batch-moved-approve = Approved
batch-moved-approve-at = Approved; will be sent at { $time }
batch-moved-approve-later = Approved; will be sent at { $when }
batch-moved-resume-at = Resumed; will be sent at { $time }
batch-moved-now-at = Confirmed; will be sent at { $time }
batch-not-moved = Nothing was done: the batch's state has changed
batch-messages = Messages
batch-messages-caption = In the original order
batch-message-phone = Phone number
batch-message-state = State
batch-message-receipt = Receipt
batch-message-session = Session number
batch-message-time = Time
batch-message-waiting = Awaiting receipt
batch-message-none = —
batch-problems = Submission problems
batch-problem-time = Time
batch-problem-code = Code
batch-problem-what = Problem
batch-problem-n = Messages
batch-problem-accepted = UCloud accepted the submission, but reported: { $what }
batch-problem-lease = The process submitting it was interrupted, so UCloud may or may not have accepted it
batch-content = Content
batch-template = SMS template
batch-signature = Signature
batch-sessions = Session numbers
batch-id = Batch ID
batch-previous = Previous
batch-next = Next
in-doubt-title = Submissions in doubt
in-doubt-lead = These were submitted without a clear response. UCloud can't recognize a repeated submission, so the console never repeats one by itself. A receipt that carries the console's UserId resolves it.
in-doubt-none-title = Nothing is in doubt
in-doubt-none = Every message is accounted for.
in-doubt-when = Submitted
in-doubt-phones = Phone numbers
in-doubt-why = Reason
in-doubt-request = UCloud request ID
in-doubt-treat = Treat as sent
in-doubt-treat-hint = Not sent again. The console waits for receipts and marks messages as unknown after 72 hours without one.
in-doubt-again = Send again
in-doubt-again-do = { $count ->
    [1] Send 1 message again
   *[other] Send { $count } messages again
  }
in-doubt-messages = Messages
in-doubt-again-hint = If UCloud did accept it, recipients get the message twice.
in-doubt-causes = Decide by reason
in-doubt-cause = { $count ->
    [1] 1 submission, { $messages ->
        [1] 1 message
       *[other] { $messages } messages
      }
   *[other] { $count } submissions, { $messages } messages
  }
in-doubt-cause-treat = { $count ->
    [1] Treat as sent
   *[other] Treat all { $count } as sent
  }
in-doubt-cause-again = { $count ->
    [1] Send again (may arrive twice)
   *[other] Send all { $count } again (may arrive twice)
  }
in-doubt-single = Decide one by one
in-doubt-first = { $shown } of { $total } submissions are shown, oldest first.
in-doubt-decided = { $count ->
    [1] Resolved 1 submission
   *[other] Resolved { $count } submissions
  }
in-doubt-back = Back to the batch
batch-standing-awaiting = Awaiting receipt
batch-standing-in-doubt = In doubt
batch-standing-trial = Trial: waiting for results
batch-standing-night = Sends at 08:00
batch-problem-timed-out = UCloud did not respond in time
batch-problem-cut-off = The connection was lost before UCloud responded
batch-problem-http-status = { $status ->
    [0] A gateway answered with an HTTP error, which doesn't show whether UCloud accepted it
   *[other] The gateway answered HTTP { $status }, which doesn't show whether UCloud accepted it
  }
batch-problem-not-an-answer = UCloud's response could not be read
batch-problem-no-session-no = UCloud accepted it but returned no session number
batch-problem-unreachable = UCloud could not be reached
batch-problem-unbuildable = The request could not be built
batch-problem-sealed = This project's keys can't be decrypted. Ask an administrator to check CONSOLE_SECRET_KEY.
batch-problem-database = The database did not respond, so nothing was sent
in-doubt-count = { $count ->
    [1] 1 message
   *[other] { $count } messages
  }
in-doubt-again-title = { $count ->
    [1] Send this submission again?
   *[other] Send these { $count } submissions again?
  }
in-doubt-again-keep = Leave in doubt
batches-tabs = By state
batches-all = All
batches-none-title = No batches in this state
batches-none = Choose another state.
batch-left = Time left
batch-pace = about { $pace } per second
batch-reschedule = Send at
batch-reschedule-do = Reschedule
batch-reschedule-past = This time has passed. Choose a later time.
batch-moved-schedule = Rescheduled
batch-moved-resume-later = Resumed. The batch waits for its scheduled time.
batch-missed-time = The scheduled time has passed. Send it now, or choose another time.
batch-moved-needs-approval = The time was changed, so the batch has to be approved again.
batch-moved-now = Sending now
batch-send-now = Send now
version-out-of-date = This page was out of date, so nothing was done. Check what has changed, then confirm again:
version-recipients = Recipients
version-columns = Columns
version-template = Template
version-signature = Signature
version-price = Price per part
version-time = Scheduled time
version-now = { $name }: now { $now }
version-no-price = not set
version-no-time = none, so it is sent right away
batch-paused-failures-title = Paused: too many failures
batch-paused-failures = The failure rate exceeds the limit in the project's settings. Check the failure causes below, then resume or cancel. Messages not yet submitted are kept.
batch-paused-refused-title = Paused: UCloud refused the signature or template
batch-paused-refused = The remaining messages would be refused too. Fix the signature or template, then resume. Messages not yet submitted are kept.
batch-paused-trial-title = Trial batch finished
batch-paused-trial = Check the results, then resume to send the rest, or cancel.
batch-paused-share = { $failed } of { $known } known results failed
batch-trial-title = { $count ->
    [1] Trial batch: sending the first message
   *[other] Trial batch: sending the first { $count } messages
  }
batch-trial-sent-title = { $count ->
    [1] Trial batch: waiting for the result of the first message
   *[other] Trial batch: waiting for the results of the first { $count } messages
  }
batch-trial-go = { $minutes ->
    [1] Waits up to 1 minute for results.
   *[other] Waits up to { $minutes } minutes for results.
  } The rest follows automatically if at most { $percent }% fail; otherwise you decide.
batch-trial-ask = { $minutes ->
    [1] Waits up to 1 minute for results.
   *[other] Waits up to { $minutes } minutes for results.
  } Then you decide whether to send the rest.
batch-causes = Failure causes
batch-cause = Cause
batch-cause-count = Messages
batch-cause-share = Share
batch-cause-do = What to do
batch-cause-refused = Refused by UCloud
batch-cause-refused-do = Check the reason for each message. Fix what can be fixed, then send those again; don't send again to blacklisted numbers.
batch-cause-unknown = No receipt
batch-cause-unknown-do = No carrier reported a result. The messages may have arrived.
batch-download = Download results
batch-download-rejected = Download rejected rows
batch-planning = Recipients are still being saved. Those already saved are being sent.
batch-resend-of = sent again from another batch
batch-resends = Sent again in
upload-title = Send to a list
upload-lead = Upload a CSV or Excel file with up to { $rows } rows and { $mb } MB. Every row is checked first, and nothing is sent until you confirm.
upload-step-file = Upload
upload-step-check = Check
upload-step-approval = Approval
upload-step-sent = Results
upload-sample = Download a sample file for this template
upload-schedule-hint = You can leave this empty until you confirm. Times are Asia/Shanghai (UTC+8).
upload-file = Recipient file
upload-file-hint = CSV, TSV, TXT, XLSX, or XLS, with or without a header row: one column of phone numbers and one for each variable. UTF-8, GBK, and UTF-16 are supported.
upload-paste = Or paste phone numbers
upload-phones = Phone numbers
upload-phones-hint = One per line. If the template has variables, write: phone number,value 1,value 2…
upload-progress = Progress
upload-said = uploaded
upload-failed = The upload was interrupted. Check your connection and try again.
upload-proxy-too-large = The file is larger than the proxy in front of the console allows. Ask an administrator to raise its limit, or split the file.
upload-proxy-status = The console did not respond, only the proxy in front of it (HTTP { $status }). Nothing was sent. Try again; if it still fails, ask an administrator.
upload-signed-out = Your login session has ended, so the file was not uploaded. Sign in on another tab, then reload this page.
upload-next = Upload and check
upload-empty = Choose a file that isn't empty, or paste phone numbers
upload-too-many-drafts = You have { $most } drafts already, or their files exceed { $megabytes } MB. Confirm or discard some of them first.
upload-too-large = The file is larger than { $most } MB. Split it into smaller files.
upload-already = This form was already submitted, so nothing was sent again. Here is the result.
upload-problem-quote = The quotation mark in line { $line } is not closed. Close or remove it, then upload the file again.
upload-problem-encrypted = The spreadsheet has a password. Remove it, then upload the file again.
upload-problem-rows = The file has more than { $most } rows. Split it into smaller files.
upload-problem-bomb = The spreadsheet is too large once decompressed, so it was not read
upload-problem-died = Reading this file takes more memory or time than allowed, so it was not read. Save it as CSV, or split it into smaller files, and upload it again.
upload-problem-empty = There are no rows to read
upload-problem-cells = Line { $line } has more than { $most } columns. Remove the columns that are not needed.
upload-problem-hidden = { $rows ->
    [1] The only row is hidden
   *[other] All { $rows } rows are hidden
  }
upload-both = Choose a file or paste phone numbers, not both
upload-problem-broken = The file can't be opened. It may be damaged or password-protected. Save it as XLSX or CSV, then upload it again.
upload-wrong-kind-web-page = This is a web page, though its name may end in .xls. Open it in Excel or WPS, save it as .xlsx, then upload that file.
upload-wrong-kind-pdf = This is a PDF document. Export the list as .xlsx or CSV.
upload-wrong-kind-image = This is an image. Upload the list as .xlsx or CSV.
upload-wrong-kind-open-document = This is an OpenDocument file. Save it as .xlsx or CSV.
upload-wrong-kind-other = This is neither a text file nor a spreadsheet. Save it as .xlsx or CSV.
preview-title = Check the list: { $name }
preview-file = { $name }, { $size }, { $rows ->
    [1] 1 row
   *[other] { $rows } rows
  }
preview-sheet = sheet “{ $name }”
preview-receiving = Uploading the file
preview-reading = Checking every row
preview-reading-hint = You can leave this page; checking continues. You'll find the batch under Drafts.
preview-far = { $percent }% checked, { $rows ->
    [1] 1 row
   *[other] { $rows } rows
  }
preview-unreadable = This file can't be read
preview-unreadable-no-rows = This sheet is empty
preview-unreadable-hidden = Every row of this sheet is hidden
preview-unreadable-hint = Nothing was sent.
preview-unreadable-hint-no-rows = Choose another sheet or upload another file. Nothing was sent.
preview-unreadable-hint-hidden = Hidden rows are left out because they aren't visible in the sheet. Include them, or choose another sheet or file. Nothing was sent.
preview-read-sheet = Read this sheet
preview-upload-again = Upload again
preview-read-gbk = Read as GBK
preview-discard = Discard this list
preview-discarded = List discarded
preview-verdict = { $going ->
    [1] 1 message
   *[other] { $going } messages
  } can be sent; { $aside ->
    [1] 1 row
   *[other] { $aside } rows
  } rejected
preview-verdict-provisional = Provisional result: { $verdict }
preview-verdicts = Rows by result
preview-result = Result
preview-rows = Rows
preview-share = Share
preview-hint = Meaning
preview-all-rows = All rows
preview-columns = Match columns
preview-column = Column { $n }
preview-column-name = Column in the file
preview-first-row = First row
preview-used-as = Use as
preview-column-used = Use { $name } as
preview-use-phone = Phone number
preview-use-none = Don't use
preview-header = The first row is a header
preview-more = Change signature, template, or encoding
preview-encoding = Encoding
preview-delimiter = Delimiter
preview-read-again = Check again with these settings
preview-samples = Preview
preview-no-sample = No row can be sent.
preview-shortest = Shortest: line { $line }, { $length ->
    [1] 1 character
   *[other] { $length } characters
  }, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
preview-longest = Longest: line { $line }, { $length ->
    [1] 1 character
   *[other] { $length } characters
  }, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
preview-random = Random: line { $line }, { $length ->
    [1] 1 character
   *[other] { $length } characters
  }, { $parts ->
    [1] 1 part
   *[other] { $parts } parts
  }
preview-cost = Cost and time
preview-parts = Billed parts
preview-several = { $count ->
    [0] 1 part per message
    [1] 1 message needs more than 1 part
   *[other] { $count } messages need more than 1 part
  }
preview-price = Expected cost
preview-unit = ¥{ $price } per part
preview-no-price = Set a price in the project's settings to see the cost
preview-time = Estimated time
preview-duration = { $minutes ->
    [0] { $seconds } s
   *[other] { $minutes } min { $seconds } s
  }
preview-pace = about { $pace } per second ({ $calls ->
    [1] 1 API call
   *[other] { $calls } API calls
  })
preview-carriers = Carriers by number prefix
carrier-cmcc = China Mobile
carrier-ctcc = China Telecom
carrier-cucc = China Unicom
carrier-other = Other
preview-send = Send
preview-name = Batch name
preview-moved = The list was checked for the new time. Check the recipients, then confirm.
preview-repeats = { $count ->
    [1] 1 recipient was sent, or will be sent, the same message within 24 hours and is left out
   *[other] { $count } recipients were sent, or will be sent, the same message within 24 hours and are left out
  }
preview-repeats-again = { $count ->
    [1] Send to this recipient anyway
   *[other] Send to these { $count } recipients anyway
  }
preview-recount = Recalculate
preview-approval = This batch exceeds the project's limit for sending without approval. An approver has to approve it before it is sent.
preview-confirm = { $count ->
    [1] Send 1 message
   *[other] Send { $count } messages
  }
preview-confirm-schedule = { $count ->
    [1] Schedule 1 message
   *[other] Schedule { $count } messages
  }
preview-confirm-trial = Send to the first { $count }
preview-confirm-approval = { $count ->
    [1] Request approval for 1 message
   *[other] Request approval for { $count } messages
  }
preview-download = { $count ->
    [1] Download 1 rejected row
   *[other] Download { $count } rejected rows
  }
preview-line = Line
preview-phone = Phone number
preview-why = Reason
preview-row = Original row
preview-rejected-all = Rejected rows
preview-done = Batch confirmed
preview-done-scheduled = Batch scheduled
preview-nobody = There is no phone number to send to.
preview-nothing = { $rows ->
    [1] The only row can't be sent: { $why }
   *[other] None of the { $rows } rows can be sent: { $why }
  }
preview-nothing-yet = Nothing can be sent yet
preview-nothing-hint = Change the settings above, or correct the file and upload it again.
preview-answer-first = Answer the question about the file first
preview-unanswered = Answer the question about the file first. Nothing was sent.
preview-changes-checked = You changed how the file is read, so it was checked again. Nothing was sent.
preview-ask-phone = Which column has the phone numbers to send to?
preview-ask-phone-why = Several columns contain mobile phone numbers. Nothing can be sent until you choose one.
preview-ask-phone-use = Use this column
preview-ask-xls = Check this file in the old .xls or .et format
preview-ask-xls-why = Number formats and hidden rows of this format can't be read, so dates, percentages, and filtered rows may differ from what you see in Excel. Save the file as .xlsx and upload that one. If it has only text and plain numbers and no hidden rows, you can use it as it is.
preview-ask-xls-accept = Use this file as it is
preview-unclear = { $rows ->
    [one] { $rows } row is not sent: it is not certain how Excel shows the number in “{ $name }”
   *[other] { $rows } rows are not sent: it is not certain how Excel shows the numbers in “{ $name }”
}
preview-unclear-example = line { $line }: { $stored }
preview-unclear-why = Recipients should see what you see. Change the cells to text and upload the file again, or send the numbers as they are stored.
preview-unclear-accept = Send the numbers as stored
preview-as-stored = The numbers in “{ $name }” are sent as they are stored, which may differ from what Excel shows
preview-as-shown = Read as shown
preview-placeholders = { $count ->
    [one] { $count } row is not sent: its value looks like a placeholder, such as null, #N/A, or {"{"}name{"}"}
   *[other] { $count } rows are not sent: their values look like placeholders, such as null, #N/A, or {"{"}name{"}"}
}
preview-placeholders-send = { $count ->
    [1] Send it anyway
   *[other] Send them anyway
  }
preview-placeholders-sent = Values that look like placeholders are sent, such as null or #N/A
preview-placeholders-leave = Leave these rows out
preview-hidden = { $rows ->
    [0] { $columns ->
        [1] 1 column of the sheet is hidden
       *[other] { $columns } columns of the sheet are hidden
      }
    [1] { $columns ->
        [0] 1 row of the sheet is hidden
        [1] 1 row and 1 column of the sheet are hidden
       *[other] 1 row and { $columns } columns of the sheet are hidden
      }
   *[other] { $columns ->
        [0] { $rows } rows of the sheet are hidden
        [1] { $rows } rows and 1 column of the sheet are hidden
       *[other] { $rows } rows and { $columns } columns of the sheet are hidden
      }
  }
preview-hidden-left = They are left out because they aren't visible in the sheet.
preview-hidden-read = They are included.
preview-hidden-include = Include hidden rows and columns
preview-choose-sheet = Sheet
preview-sheet-rows = { $rows ->
    [1] { $name } (1 row)
   *[other] { $name } ({ $rows } rows)
  }
preview-sheet-hidden = { $rows ->
    [1] { $name } (1 row, hidden)
   *[other] { $name } ({ $rows } rows, hidden)
  }
preview-titles = Above the header, not read as rows:
preview-warnings = Values to check before sending
preview-warning = { $count ->
    [one] { $count } row: { $why }
   *[other] { $count } rows: { $why }
}
preview-error-phone = Choose the phone number column
preview-error-variable = Choose a column for every variable
preview-error-twice = Two columns are used for the same thing. Choose one.
preview-error-name = Enter a batch name
delimiter-comma = Comma
delimiter-semicolon = Semicolon
delimiter-tab = Tab
delimiter-bar = Vertical bar
trial-title = Send a trial batch first
trial-first = Messages in the trial batch
trial-minutes = Wait at most (minutes)
trial-then = Then
trial-ask = Ask me
trial-go = Continue if at most { $percent }% fail
trial-error-first = Enter a number from 1 to 1,000
trial-error-minutes = Enter a number from 0 to 1,440
trial-error-percent = Choose an option from the list
verdict-ready = Ready
verdict-ready-hint = The phone number and values are valid
verdict-wrong_phone = Invalid phone number
verdict-wrong_phone-hint = Too few or too many digits, a landline, or not a mobile number
verdict-wrong_country = Wrong country or region
verdict-wrong_country-hint = The template doesn't cover this country or region
verdict-missing_value = Missing value
verdict-missing_value-hint = A variable is empty
verdict-bad_value = Invalid value
verdict-bad_value-hint = A variable has characters that can't be sent
verdict-bad_value-placeholder = A value looks like a placeholder, such as null or #N/A
verdict-bad_value-unclear = It isn't certain how Excel shows a number
verdict-several-hints = { $hint }: { $count }
verdict-too_long = Too long
verdict-too_long-hint = More than 500 characters including the signature
verdict-duplicate = Duplicate
verdict-duplicate-hint = Only the first row of each phone number is sent
verdict-suppressed = Suppressed
verdict-suppressed-hint = On the opt-out list
verdict-repeat = Repeat within 24 hours
verdict-repeat-hint = Was sent, or will be sent, the same message within 24 hours
batch-move-title = Check before sending
batch-move-repeats = { $count ->
    [1] 1 recipient was sent, or will be sent, the same message within 24 hours of that time
   *[other] { $count } recipients were sent, or will be sent, the same message within 24 hours of that time
  }
batch-move-at = The batch would be sent at { $when }. Nothing has been changed yet.
batch-move-now = The batch would be sent now. Nothing has been changed yet.
batch-move-anyway = Move it anyway
batch-move-now-anyway = Send it now anyway
resend-title = Send undelivered messages again
resend-lead = The recipients you choose become a new list, which you check and confirm before anything is sent. The batches link to each other.
resend-batches = Batches
resend-this-batch = This batch
resend-within = { $days ->
    [1] This template, last 24 hours
   *[other] This template, last { $days } days
  }
resend-sources = { $count ->
    [1] 1 batch with the same template, text, and signature
   *[other] { $count } batches with the same template, text, and signature
  }
resend-which = Messages to send again, by cause
resend-cause = { $cause }: { $count ->
    [1] 1 message
   *[other] { $count } messages
  }
resend-refused = Refused by UCloud
resend-refused-do = First fix what UCloud refused them for.
resend-cancelled = Cancelled before they were submitted
resend-cancelled-do = Never sent.
resend-never = { $count ->
    [1] 1 message to a blacklisted number can't be sent again.
   *[other] { $count } messages to blacklisted numbers can't be sent again.
  }
resend-left-out = Numbers that this message was sent to again, and numbers a carrier blacklisted in the last 30 days, are left out of the list.
resend-once-each = Each number is sent one message, even if several batches include it.
resend-newest = Only the newest { $count } batches are included.
resend-nothing-ticked = Select at least one cause.
resend-in-doubt = { $count ->
    [1] 1 message in doubt is not included: UCloud may have accepted it.
   *[other] { $count } messages in doubt are not included: UCloud may have accepted them.
  }
resend-waiting = { $count ->
    [1] 1 message without a result yet is not included.
   *[other] { $count } messages without a result yet are not included.
  }
resend-next = Create and check the list
resend-none = There is nothing to send again
resend-file = Send again: { $name }
suppressions-title = Opt-outs
suppressions-lead = This project sends nothing, or no marketing messages, to these phone numbers. They are left out when a list is checked, and checked again before each message is sent.
suppressions-search = Phone number or last 4 digits
suppressions-find = Search
suppressions-empty-title = The opt-out list is empty
suppressions-empty = If someone opts out or complains, add their phone number here.
suppressions-not-found = This phone number isn't on the opt-out list.
suppressions-reason = Reason
suppressions-scope = Applies to
suppressions-note = Note
suppressions-by = Added by
suppressions-at = Time
suppressions-remove = Remove
suppressions-blacklisted = also on UCloud's blacklist
suppressions-export = Download opt-out list
suppressions-blacklist = Add to UCloud's blacklist
suppressions-blacklist-hint = UCloud then also blocks other programs that use this project from sending to numbers suppressed for all messages. Other projects aren't affected. Only UCloud can remove a number from its blacklist.
suppressions-add = Add to opt-out list
suppressions-phones-hint = One per line, or separated by commas
suppressions-file = Or upload a file (CSV, TXT, XLSX, XLS)
suppressions-file-hint = Up to 4 MB. Hidden rows are read too. Nothing is added until every row can be read or you confirm.
suppressions-remove-title = Remove from the opt-out list?
suppressions-remove-what = The console can then send messages to this phone number again. The reason is recorded in the audit log.
suppressions-remove-blacklisted = This number is also on UCloud's blacklist, so UCloud still blocks messages to it. Ask UCloud support to remove it there too.
suppressions-remove-perhaps = UCloud may still block messages to it, for example if another program added the number to UCloud's blacklist. Only UCloud support can remove it there.
suppressions-why = Reason for removal
suppressions-why-missing = Enter a reason
suppressions-remove-do = Remove
suppressions-cancel = Don't remove
suppression-reply = Opted out by reply
suppression-complaint = Complaint
suppression-person = Added manually
suppression-import = Imported
suppression-by-console = Console
suppression-scope-all = All messages
suppression-scope-marketing = Marketing only
suppression-pending = until the reply is reviewed
suppression-error-phones = { $count ->
    [1] 1 entry isn't a valid phone number: { $named }
   *[other] { $count } entries aren't valid phone numbers: { $named }
  }. Nothing was added. Correct this and try again.
suppression-error-no-phones = No phone numbers were found in this file. Nothing was added.
suppression-error-busy = Several opt-out lists are being read at the moment, so this one wasn't. Nothing was added. Try again in a minute.
suppression-error-no-reader = Files can't be read at the moment. There is nothing wrong with yours, and nothing was added. Try again in a minute.
suppression-error-many-files = You've uploaded { $most } files in the last day that are still kept. Nothing was added. Discard some of them first.
suppression-row-several = Several phone numbers in one row, and it isn't clear which to add
suppression-row-no-phone = No phone number
suppression-import-title = Import opt-outs
suppression-import-waiting = { $count ->
    [1] 1 file is waiting for your decision
   *[other] { $count } files are waiting for your decision
  }
suppression-import-ask = Which columns have the phone numbers to add?
suppression-import-ask-why = Several columns may contain phone numbers. Choose one or more. Nothing is added until you choose.
suppression-import-ask-use = Read these columns
suppression-import-ask-none = Select at least one column
suppression-import-other = Choose other columns
suppression-import-wrong = { $count ->
    [1] 1 row can't be read
   *[other] { $count } rows can't be read
  }. Nothing has been added yet.
suppression-import-wrong-hint = Correct the file and upload it again, or add the valid phone numbers now and download the rest.
suppression-import-rest = { $count ->
    [1] 1 row was not added.
   *[other] { $count } rows were not added.
  } Download the rest, correct it, then upload it again.
suppression-import-new = Phone numbers to add
suppression-import-added = Phone numbers added
suppression-import-there = Already on the list
suppression-import-duplicates = Duplicates in the file
suppression-import-rejected = Unreadable rows
suppression-import-columns = Read from: { $names }. Hidden rows are included.
suppression-import-typed = { $count ->
    [1] 1 phone number that you entered is included.
   *[other] { $count } phone numbers that you entered are included.
  }
suppression-import-skipped = Sheets without phone numbers, not read: { $names }
suppression-import-add = { $count ->
    [1] Add the valid phone number
   *[other] Add { $count } valid phone numbers
  }
suppression-import-download = { $count ->
    [1] Download the remaining row
   *[other] Download the remaining { $count } rows
  }
suppression-import-more = { $count ->
    [1] 1 more row is in the download.
   *[other] { $count } more rows are in the download.
  }
suppression-import-discard = Discard this file
suppression-import-delete = Delete this file
suppression-import-until = The file is deleted automatically after
suppression-import-discarded = File discarded. Nothing was added.
suppression-import-deleted = File deleted
suppression-import-already = These phone numbers were added before. Nothing was added again.
suppression-import-gone = This file is no longer available: its phone numbers were added, or it was discarded.
suppression-added = { $added } added; { $there } already on the list
suppression-removed = { $phone } removed from the opt-out list
suppression-removed-blacklisted = { $phone } removed from the opt-out list. The number is also on UCloud's blacklist; ask UCloud to remove it there too.
suppressions-blacklist-done = UCloud accepted { $added } and refused { $refused }
suppressions-blacklist-failed = Not all numbers were added: { $why }. Try again; numbers already added are skipped.
batch-rules-title = Batch rules
batch-rules-lead = Prices are used to estimate costs. Larger batches need approval, and too many failures pause a batch.
batch-rules-price_domestic = Price per part, Mainland China (CNY)
batch-rules-price_domestic-hint = For example, 0.045. A change applies to all purposes from today. Leave empty to hide costs.
batch-rules-price_international = Price per part, international (CNY)
batch-rules-price_international-hint = For all countries and regions without a price of their own. Leave empty to hide their costs.
batch-rules-prices = Prices by purpose and country
batch-rules-approval_over = Require approval above this many recipients
batch-rules-approval_over-hint = Marketing always needs approval. Leave empty to require it for marketing only.
batch-rules-approval_over_cost = Require approval above this expected cost (yuan)
batch-rules-approval_over_cost-hint = A batch whose cost isn't known needs approval, too. Leave empty for no limit.
batch-rules-failure_percent = Pause at this failure rate (%)
batch-rules-failure_percent-hint = 1 to 100
batch-rules-failure_least = Minimum results before pausing
batch-rules-failure_least-hint = With only a few results, a failure rate says little
batch-rules-wrong = Enter a number within the limits
