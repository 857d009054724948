sending-title = Sending control
sending-lead = Stop all sending at once, and see what happened if the database was rolled back to an earlier point in time.
sending-halted = Nothing is being sent at the moment.
sending-halted-look = Sending control
sending-stops = Stop sending
sending-stop-hint = Batches stay as they are and continue when sending resumes. Messages that UCloud has already accepted are still delivered.
sending-stop = Stop this project
sending-stop-all = Stop every project
sending-resume = Resume this project
sending-resume-all = Resume every project
sending-is-stopped = Sending is stopped in this project.
sending-is-stopped-all = Sending is stopped in every project.
sending-stopped-by = Stopped by { $who } at { $when }.
sending-stopped-command = Stopped from the command line at { $when }.
sending-stopped = { $count ->
    [0] Sending is stopped.
    [1] Sending is stopped; 1 message being submitted may still be delivered.
   *[other] Sending is stopped; { $count } messages being submitted may still be delivered.
  }
sending-resumed = Sending has resumed.
sending-promoted-title = The database moved to another server
sending-promoted = A standby took over, or the database was recovered to an earlier point in time. What was sent most recently may be missing from it. Sending resumes automatically once every console process has restored its recent records.
sending-copied-title = This database was restored or copied
sending-copied = Sending, pulling receipts, and applying for review are off, because another console may be running on the original.
sending-rolled_back-title = The database was rolled back to an earlier point in time
sending-rolled_back = What was sent since then is missing from it. Sending resumes automatically once every console process has restored its recent records.
sending-silent-title = The console was off for a long time
sending-silent = It did not stop cleanly, so the whole machine may have been rolled back.
sending-last-seen = Its last recorded activity is from { $when }.
sending-adopt = Confirm as production database
sending-adopt-hint = Confirm only if no other console uses the original database. Batches that may have been sent since then stay paused until you decide on each one.
sending-adopt-owner = An owner must confirm that this is the production database.
sending-adopted-already = This is already the production database.
sending-adopted = { $count ->
    [0] This is now the production database. No batches need a decision.
    [1] This is now the production database. 1 batch needs a decision.
   *[other] This is now the production database. { $count } batches need a decision.
  }
sending-went-back-to = It was rolled back to about { $when }, which was noticed at { $noticed }.
sending-end-repaired = The console processes restored the records of what was sent since then. No action is needed.
sending-end-held = No batch of your projects was being sent, so nothing needs your decision.
sending-may-have-sent = { $messages ->
    [1] 1 message
   *[other] Up to { $messages } messages
  } in { $batches ->
    [1] 1 batch
   *[other] { $batches } batches
  } may have been sent after that.
sending-held = Batches that may have been sent
sending-batch = Batch
sending-messages = May have been sent
sending-decision = Decision
sending-waits = Waiting for a decision
sending-decided = Decided
sending-lost = Actions missing from the database
sending-lost-hint = These actions are missing from the database. Actions that stop messages were reapplied. Before you repeat any other action, check whether its messages were sent.
sending-lost-what = Action
sending-lost-who = By
sending-lost-when = Time
sending-redone = Reapplied
sending-not-redone = Not reapplied
lost-action-batch_ordered = Ordered a batch
lost-action-batch_paused = Paused a batch
lost-action-batch_resumed = Resumed a batch
lost-action-batch_cancelled = Cancelled a batch
lost-action-batch_approved = Approved a batch
lost-action-batch_rescheduled = Changed the time of a batch
lost-action-sending_stopped = Stopped sending
lost-action-sending_resumed = Resumed sending
lost-action-opted_out_by_reply = Opted out by reply
lost-action-opted_out_by_person = Opted out a number
lost-action-opt_out_decided = Decided on a possible opt-out
lost-action-opt_out_undone = Undid an opt-out
lost-action-suppressions_added = Added numbers to the opt-out list
lost-action-suppression_removed = Removed a number from the opt-out list
lost-action-other = Another action ({ $action })
sending-evidence = Before you decide, wait for receipts: a receipt that matches a message proves that it was sent. UCloud keeps status reports for 72 hours, and its daily counts show how many messages it sent.
sending-compare = Compare with UCloud's counts
sending-pull = Pull status reports
sending-silent-since = The last recorded activity before that was at { $when }; the console started again at { $noticed }.
sending-noticed = This was noticed at { $noticed }; the last recorded activity before that was at { $when }.
environment-other = Calls go to { $host }, not to UCloud's API over HTTPS.
