retention-title = Retention
retention-lead = How long this project keeps its messages, and the phone numbers and content in them. Leave a field empty to keep them indefinitely.
retention-keep_months = Delete messages after (months)
retention-keep_months-hint = 1 to 120. Messages are deleted up to one month later. Leave empty to keep them indefinitely.
retention-keep_months-wrong = Enter a whole number from 1 to 120, or leave empty
retention-blank_days = Redact phone numbers and content after (days)
retention-blank_days-hint = 7 to 3,650. Leave empty to keep them as long as the messages.
retention-blank_days-wrong = Enter a whole number from 7 to 3,650, or leave empty
retention-asks = This shortens retention
retention-asks-what = Anything older is deleted or redacted in the background within minutes. This can't be undone.
retention-confirm = Shorten retention permanently
retention-leave = Keep current retention
retention-what = How retention works
retention-what-sums = Batch totals and statistics are kept.
retention-what-open = Messages that are queued, awaiting a receipt, or in doubt are never deleted or redacted.
retention-what-blank = A redacted message keeps its state and receipt; its phone number is shown as 185****9057 and its values are erased. Replies and rows of uploaded files are deleted.
retention-what-suppressions = Opted-out phone numbers stay on the opt-out list so that nothing more is sent to them.
retention-deleted = { $count ->
    [one] 1 message of this batch was deleted under the retention settings. It is still counted in the total above.
   *[other] { $count } messages of this batch were deleted under the retention settings. They are still counted in the total above.
}
retention-redacted = { $count ->
    [one] The phone number and values of 1 message of this batch were redacted under the retention settings.
   *[other] The phone numbers and values of { $count } messages of this batch were redacted under the retention settings.
}
retention-left = Current status
retention-left-deleted = Deleted
retention-left-redacted = Redacted
retention-left-whole = Complete
retention-until = up to { $to }
retention-between = { $from } to { $to }
retention-since = since { $from }
