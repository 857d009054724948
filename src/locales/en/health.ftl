health-title = Health
health-well = All systems operational
health-unwell = { $count ->
    [one] 1 item needs attention
   *[other] { $count } items need attention
  }
health-what = Check
health-state = Status
health-when = Time
health-last = last
health-last-call = last call
health-oldest = oldest
health-started = since
health-unreadable-task = Some pushes have unreadable items
health-pushes = Pushes
health-pulling = Pulling
health-inbox = Push inbox
health-unreadable = Unreadable items
health-queue = Queue
health-in-doubt = In doubt
health-processes = Processes
health-vendor = UCloud
health-database = Database
health-durability = Data loss if the database server fails
health-durability-nothing = { $synchronous ->
    [one] No data loss: 1 synchronous standby
   *[other] No data loss: { $synchronous } synchronous standbys
  }
health-durability-asynchronous = { $asynchronous ->
    [one] The most recent data would be lost: 1 asynchronous standby, { $behind } bytes behind
   *[other] The most recent data would be lost: { $asynchronous } asynchronous standbys, { $behind } bytes behind
  }
health-durability-asynchronous-advice = To prevent data loss, set synchronous_standby_names, and keep synchronous_commit on.
health-durability-hidden = There is a standby, but the console's database role can't see its type
health-durability-hidden-advice = Grant pg_monitor to the role of DATABASE_URL.
health-durability-no-standby = Everything since the last backup would be lost: there is no standby
health-durability-no-standby-advice = Add a standby, or archive the write-ahead log.
health-durability-archive = The write-ahead log can't be archived
health-durability-archive-advice = Check archive_command: the disk fills up, and point-in-time recovery won't work.
health-durability-commit = A crash would lose the most recent data: synchronous_commit is off
health-durability-commit-advice = Set synchronous_commit = on.
health-durability-fsync = A crash may damage the database: fsync is off
health-durability-fsync-advice = Set fsync = on.
health-checks = Delivery checks
health-pushes-come = Status reports are arriving
health-pushes-none = No pushes yet, and none were missed
health-gap = No pushes since { $when }, although there are receipts
health-gap-ever = No push has ever arrived, although there have been receipts since { $when }
health-gap-ask = Receipts arrive later because the console has to poll for them. An administrator can check the push URL.
health-pulling-well = Status reports are being pulled
health-inbox-empty = All pushes are processed
health-inbox-waits = Pushes waiting to be processed: { $count }
health-inbox-late = They have been waiting too long. They are safely stored; check that a process that handles pushes is running.
health-unreadable-none = None
health-unreadable-some = Pushes to review: { $count }
health-queue-empty = No messages waiting to be submitted
health-queue-waits = Messages waiting to be submitted: { $count }
health-in-doubt-none = None
health-in-doubt-some = Messages that may or may not have been sent: { $count }
health-in-doubt-advice = Receipts resolve them automatically, or you can decide sooner.
health-processes-alive = { $count ->
    [one] 1 process is running
   *[other] { $count } processes are running
  }
health-processes-none = No process is running
health-processes-advice = No messages are sent and no pushes are processed. Start usms-console serve or usms-console serve --worker-only.
health-vendor-well = Responding
health-vendor-trouble = The last call got no response
health-vendor-unasked = No calls since the processes started
health-database-well = { $millis } ms
health-checks-kept = Everything sent in the last 24 hours adds up
health-checks-broken = Inconsistencies in the last 24 hours: { $count }
health-checks-advice = Run usms-console doctor and report its output to the developers.
health-unreadable-title = Unreadable items
health-unreadable-lead = All other items in these pushes were processed. If the content looks wrong, contact UCloud support; if a newer console version can read it, process it again.
health-received = Received
health-why = Reason and original content
health-decide = Actions
health-seen = Dismiss
health-again = Process again
health-more = and { $count } more in this push
health-seen-done = Dismissed
health-again-done = Processing again. Anything still unreadable will reappear here.
health-decided-before = Someone has already handled this.
health-why-no-session = Missing session number
health-why-no-object = Not a JSON object
health-why-stray = The session number is the console's own, but it doesn't include this phone number
health-why-no-phone = Missing phone number
health-why-result = Unknown ReceiptResult
health-why-not-json = The push isn't valid JSON
health-why-kind = Unknown MsgType
