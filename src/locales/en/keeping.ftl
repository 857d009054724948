keeping-title = Keeping
keeping-lead = For how long this project keeps its messages, and the phones and texts in them. What is left empty is kept for ever.
keeping-keep_months = Remove messages after so many months
keeping-keep_months-hint = 1 to 120, at the latest one month later; empty keeps them for ever
keeping-keep_months-wrong = Write a whole number from 1 to 120, or nothing
keeping-blank_days = Blank phones and texts after so many days
keeping-blank_days-hint = 7 to 3,650; empty keeps them as long as the messages
keeping-blank_days-wrong = Write a whole number from 7 to 3,650, or nothing
keeping-asks = This keeps less than before
keeping-asks-what = What is older is removed or blanked within minutes, in the background. It does not come back.
keeping-confirm = Keep less, for good
keeping-leave = Leave it as it is
keeping-what = What happens then
keeping-what-sums = The sums of batches and the statistics stay.
keeping-what-open = Nothing is touched that is still to be sent, awaits its receipt, or is in doubt.
keeping-what-blank = A blanked message keeps its state and receipt; its phone reads 185****9057, its values are gone. Replies and rows of uploaded files are removed.
keeping-what-suppressions = Phones that opted out stay on their list: without it they would be sent to again.
keeping-gone = { $count ->
    [one] One message of this batch is past keeping and was removed; the sum above still counts it.
   *[other] { $count } messages of this batch are past keeping and were removed; the sum above still counts them.
}
keeping-blanked = Phones and values of { $count } messages of this batch are past keeping and were blanked.
keeping-left = What is left by now
keeping-left-gone = Removed
keeping-left-blanked = Without phones and texts
keeping-left-whole = Whole
keeping-until = up to { $to }
keeping-between = { $from } to { $to }
keeping-since = since { $from }
