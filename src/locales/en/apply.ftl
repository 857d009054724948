review-deleted = Deleted
review-missing = Not found at UCloud
review-missing-title = No longer found at UCloud
review-missing-advice = It was probably deleted in UCloud's own console. You can't send with it; if UCloud returns it again, it becomes available automatically.
review-rejected-because = Rejected: { $words }
review-rejected-advice = Edit and resubmit it to start a new review.
review-resubmit = Edit and resubmit
review-refresh = Refresh
review-refresh-all = Refresh all
review-refreshed = Status at UCloud: { $status }
review-refreshing = { $count ->
    [one] Checking 1 item with UCloud. Reload in a moment to see its status.
   *[other] Checking { $count } items with UCloud, one at a time. Reload in a moment to see their status.
  }
review-both = All
review-filter = Filter
review-choose = Select
review-applied-by = Submitted by
review-imported = Imported; submitter unknown
review-not-known = Imported; not provided by UCloud
signature-withdrawn = Being withdrawn
signature-withdrawn-title = Carriers are withdrawing names of this type
signature-withdrawn-advice = Since May 1, 2026, names of apps, websites, official accounts, and mini programs are banned in Mainland China. Carriers are gradually withdrawing those registered before, and messages may then fail. Apply for a signature with the company's full or short name, or a trademark.
signature-withdrawn-unknown = If it is the name of an app, website, official account, or mini program, carriers are withdrawing it.
signature-kind-change = Set type
signature-kind-hint = UCloud doesn't report the type of imported signatures.
signature-kind-saved = Type saved
signature-kind-applied = This signature was applied for here, with its type.
review-sent = Sent in the last 30 days
review-checked = Last checked
review-nothing-title = No matches
review-nothing = Change the filters, or show all.
review-show-all = Show all
review-paging = Pages
review-newest = Newest
review-older = Older
review-send-with = Send with this
signatures-apply = Apply for a signature
signatures-search = Signature or ID
templates-apply = Apply for a template
templates-search = Name, ID, or text
templates-all-purposes = All purposes
templates-rename = Rename
templates-copy = Create a copy
signature-kind-company = Company
signature-kind-app = App
signature-kind-website = Registered website
signature-kind-official_account = Official account or mini program
signature-kind-trademark = Trademark
signature-kind-institution = Government body or public institution
certificate-company = Business license or unified social credit code certificate
certificate-app = Screenshot of the developer page in the app store
certificate-website = Screenshot of the ICP filing with domain, name, and filing number
certificate-official_account = Screenshot of the account's management page
certificate-trademark = Trademark registration certificate
certificate-institution = Organization code or unified social credit code certificate
apply-kind = Signature type
apply-kind-hint = The organization's full name, its short name, or a trademark. Choose the type your documents prove; the document required is listed below each type.
apply-kind-refused = Rejected by carriers since May 1, 2026
apply-content-hint = 2–12 Chinese characters, letters, digits, or underscores that identify the sender. A short name has more than three characters, is a continuous part of the full name, and belongs to no other company. Leave out 【】; they are added automatically.
apply-full-name = Full name on the license
apply-full-name-hint = For checking a short name before you submit it; it isn't sent to UCloud
apply-purpose = Used by
apply-own = Your own organization
apply-own-hint = The name belongs to the holder of this UCloud account
apply-on-behalf = On behalf of a third party
apply-on-behalf-hint = The name belongs to someone else; their letter of authorization is required
apply-certificate = Certificate
apply-certificate-hint = A scan of the original, still valid and unaltered: JPG, PNG, or PDF, up to 4 MB. Stored encrypted, so you don't have to upload it again if the application is rejected.
apply-certificate-missing = No certificate is on file. UCloud's review standard asks for one; choose it here.
apply-certificate-type = Certificate type
apply-certificate-follows = Same as the signature type
apply-proxy = Letter of authorization
apply-proxy-hint = Required when applying on behalf of a third party. JPG, PNG, or PDF, up to 4 MB.
apply-file-saved = On file; used unless you choose another
apply-files = Submitted files
apply-description = Reason for applying
apply-description-hint = Say who sends what to whom, for example “shipping notifications to customers who ordered in our store”
apply-scene = Use case
apply-scene-hint = The page and step that trigger the message
apply-optional = (optional)
apply-qualification = Qualification ID
apply-qualification-hint = If UCloud gave your organization an ID for its real-name qualification, enter it. The certificate is still required.
apply-name = Name
apply-name-hint = 2–12 Chinese characters, letters, digits, or underscores. Recipients don't see it.
apply-purpose-verification = The text must say that it contains a verification code. No marketing.
apply-purpose-notice = Orders, accounts, appointments, and other matters that concern the recipient. No marketing.
apply-purpose-marketing = Sent between 08:00 and 20:00 only, must include an opt-out instruction, and needs a second person's approval every time
apply-purpose-fixed = Can't be changed after you submit
apply-text-hint = Write variables as {"{"}1{"}"}, {"{"}2{"}"}, and so on, numbered from 1 without gaps. The signature is added in front when a message is sent.
apply-text-fixed = Approved text can't be changed. To use different text, create a copy.
apply-insert = Insert
apply-instruction = Variable descriptions
apply-instruction-hint = Tell the reviewer what each variable stands for
apply-unsubscribe = Opt-out instruction
apply-unsubscribe-hint = (required for marketing in Mainland China; the review standard requires it at the end of the text, and otherwise UCloud may add it)
apply-remark = Note to the reviewer
apply-remark-hint = Up to 128 characters, for example who receives the messages and how they agreed to it
apply-cancel = Cancel
apply-button = Submit for review
apply-again-button = Resubmit for review
apply-all-the-same = Submit anyway
apply-check-again = Check again
apply-errors = { $count ->
    [one] There is 1 error. Nothing was submitted.
   *[other] There are { $count } errors. Nothing was submitted.
  }
apply-warnings = { $count ->
    [one] 1 warning: a reviewer may object
   *[other] { $count } warnings: a reviewer may object
  }
apply-warnings-hint = Nothing has been submitted yet. Edit it, or submit it anyway.
apply-lengths = Length
apply-length-fixed = { $length ->
    [one] 1 character
   *[other] { $length } characters
  }, { $parts ->
    [one] 1 part
   *[other] { $parts } parts
  }
apply-length-range = { $variables ->
    [one] 1 variable.
   *[other] { $variables } variables.
  } With 1 character per variable: { $short ->
    [one] 1 character
   *[other] { $short } characters
  }, { $short_parts ->
    [one] 1 part
   *[other] { $short_parts } parts
  }. With { $each } characters per variable: { $long ->
    [one] 1 character
   *[other] { $long } characters
  }, { $long_parts ->
    [one] 1 part
   *[other] { $long_parts } parts
  }.
apply-length-room = { $room ->
    [one] The message stays within 1 part if the values total 1 character.
   *[other] The message stays within 1 part if the values total at most { $room } characters.
  }
apply-resubmit-title = Edit “{ $name }”
apply-resubmit-lead = Your last submission is below. Edit and resubmit it to start a new review.
apply-unfinished-title = The review isn't finished
apply-unfinished-lead = Your last submission is below. Resubmitting it starts the review anew. UCloud's manual allows this, its API reference only after a rejection. If UCloud rejects it, the reason appears here and your entries are kept.
apply-rename-title = Approved: only the name can be changed
apply-rename-lead = Renaming needs no review and doesn't interrupt sending. To use different text:
apply-needs-signature-title = No approved signature yet
apply-needs-signature = UCloud accepts templates only after the project has an approved signature.
apply-reviewer-title = What reviewers check
apply-reviewer-signature-1 = The name is the organization's full name, its short name, or a trademark, as the document shows it; generic names such as 告警通知, and short names that fit several companies, don't identify the sender
apply-reviewer-signature-2 = The document is a scan of the original, valid, and unaltered
apply-reviewer-signature-3 = For a third party, the letter names who authorizes whom and until when
apply-reviewer-template-1 = It is clear who sends the message and why
apply-reviewer-template-2 = No links or phone numbers, which carriers block, and no exaggerated claims
apply-reviewer-template-3 = None of the topics that UCloud forbids or your team avoids
apply-reviewer-template-4 = No marketing in verification codes and notices
apply-sample = Your verification code is 8321.
apply-sample-international = Your code is 8321, valid for 5 minutes.
apply-done-signature = Submitted for review
apply-done-template = Submitted for review
apply-done-renamed = Saved. No review is needed.
apply-already = This form was already submitted. Nothing was submitted twice.
apply-refused-advice = UCloud did not accept the application. Correct the problem it reports, then resubmit.
apply-not-taken = The application did not reach UCloud
apply-again = It is safe to submit it again.
apply-halted = Nothing was submitted: the database was rolled back to an earlier point in time
apply-halted-advice = Applications can be submitted again once that is resolved under Sending control. What you entered is still in the form.
apply-not-now = This can't be changed right now
apply-not-now-advice = Its review status has just changed.
apply-in-doubt = Another application for this is still in doubt
apply-in-doubt-advice = First find out whether that one reached UCloud, so that you don't apply twice.
apply-in-doubt-check = View application
apply-open-title = “{ $name }” may or may not have reached UCloud
apply-open = Submitted by { $person }, { $when }. UCloud did not respond.
apply-given-up = Marked as not received. You can submit it again.
apply-settled = This was already resolved. Nothing was changed.
apply-check-taken = UCloud received it. It is in review.
apply-check-not-taken = UCloud did not receive it. You can submit it again.
apply-check-later = UCloud doesn't show it yet. The console will check again automatically.
apply-check-person = UCloud's response is inconclusive. Decide what to do.
application-title = Application: { $name }
application-lead = Submitted by { $person }, { $when }
application-taken = Accepted by UCloud
application-sending = Submitting
application-sending-advice = Reload in a moment.
application-refused = Refused by UCloud
application-not-taken = Did not reach UCloud
application-again = Submit again
application-in-doubt = May or may not have reached UCloud
application-in-doubt-signature = The console looks for it at UCloud by its content. If it appears, it is added here; if it still doesn't appear after several checks, UCloud did not receive it. Don't apply again until then.
application-in-doubt-template = UCloud can't find a new template without its ID. Look in UCloud's own console. If the template is there, import it by its TemplateId to resolve this application; if not, mark it as not received.
application-in-doubt-change = The console checks automatically whether UCloud applied the change.
application-look = Check now
application-give-up = Mark as not received
locked-title = This can't be changed right now
locked-back = Back
locked-signature-waiting = It is waiting for review: it was resubmitted after you opened the form. Review the current version, then edit it again.
locked-signature-in_review = It is in review: it was resubmitted after you opened the form. Review the current version, then edit it again.
locked-signature-approved = It is approved. UCloud doesn't allow changes to approved signatures; apply for a new signature instead.
locked-signature-rejected = Its review status has just changed.
locked-signature-disabled = The platform disabled it, so it can't be changed. Contact UCloud support.
locked-signature-deleted = It has been deleted.
locked-template-waiting = It is waiting for review: it was resubmitted after you opened the form. Review the current version, then edit it again.
locked-template-in_review = It is in review: it was resubmitted after you opened the form. Review the current version, then edit it again.
locked-template-disabled = The platform disabled it, so it can't be changed. Contact UCloud support.
locked-template-approved = Its review status has just changed.
locked-template-rejected = Its review status has just changed.
locked-template-deleted = It has been deleted.
compare-title = Changes since the last submission
timeline-title = Timeline
timeline-application = View application
timeline-before = Previously: { $text }
timeline-applied-person = { $person } submitted it for review
timeline-applied-vendor = Submitted for review
timeline-resubmitted-person = { $person } edited and resubmitted it
timeline-resubmitted-vendor = Edited and resubmitted
timeline-renamed-person = { $person } made a change that needs no review
timeline-renamed-vendor = Changed without needing a review
timeline-imported-person = { $person } imported it with the status { $status }
timeline-imported-vendor = Imported with the status { $status }
timeline-destination_changed-person = { $person } changed the destination
timeline-destination_changed-vendor = Destination changed
timeline-status-person = { $status }
timeline-status-vendor = { $status }
timeline-changed_by_vendor-person = Changed at UCloud
timeline-changed_by_vendor-vendor = Changed at UCloud
timeline-missing-person = No longer found at UCloud
timeline-missing-vendor = No longer found at UCloud
timeline-found_again-person = Found at UCloud again
timeline-found_again-vendor = Found at UCloud again
timeline-deleted-person = { $person } deleted it
timeline-deleted-vendor = Deleted
delete-one = Delete
delete-chosen = Delete selected
delete-title = Delete
delete-lead = This deletes them at UCloud and here, and can't be undone. The audit log and earlier batches still show them.
delete-what = Item
delete-none = Nothing was selected.
delete-dependents = Batches that still need it
delete-no-dependents = None
delete-dependent = { $count ->
    [one] 1 recipient
   *[other] { $count } recipients
  }
delete-dependents-warning = UCloud will refuse these batches once it is deleted. Cancel them first.
delete-under-review = UCloud's documents say that items in review can't be deleted. UCloud may refuse it; nothing is lost then.
delete-not-sent = UCloud could not be reached, so nothing was deleted. Try again.
delete-in-doubt = UCloud did not respond, so it may have been deleted. The console will check shortly.
delete-button = { $count ->
    [one] Delete 1 item
   *[other] Delete { $count } items
  }
delete-done = { $count ->
    [one] Deleted 1 item
   *[other] Deleted { $count } items
  }
file-gone = Content deleted
file-delete = Delete file
file-deleted = File content deleted
file-not-deleted = The file is being submitted and can't be deleted right now.
sensitive-words-title = Sensitive words
sensitive-words-lead = Anyone who uses one of these words in an application gets a warning and decides whether to submit anyway. The list starts with the topics that UCloud's review standard forbids in templates; add or remove what you like.
sensitive-words-label = Words
sensitive-words-hint = One per line, or separated by commas
sensitive-words-add-topics = Add UCloud's forbidden topics
save = Save
sensitive-words-saved = Saved
sensitive-words-error-word = “{ $word }” can't be used. A word must contain letters and be at most { $longest } characters long.
sensitive-words-error-many = Enter at most { $most } words
check-signature-empty = Enter the signature
check-signature-brackets = Leave out the brackets; they are added automatically
check-signature-unreadable = Remove invisible characters and spaces at the start or end
check-signature-length = A signature must have 2 to 20 characters; this one has { $about }
check-signature-long = The review standard calls for 2–12 characters; UCloud's form accepts up to 20 for full names. This one has { $about }.
check-signature-mark = The review standard allows only Chinese characters, letters, digits, and underscores, not “{ $about }”
check-signature-digits = A signature of digits only doesn't identify the sender
check-signature-neutral = Generic names such as 告警通知 don't identify the sender; use the organization's name or a trademark
check-signature-short = A short name must have more than three characters
check-signature-not-in-full-name = A short name must be a continuous part of the full name “{ $about }”, with no characters omitted or reordered
check-signature-exists = A signature with this content already exists: { $about }
check-signature-kind-refused = Since May 1, 2026, carriers reject names of apps, websites, official accounts, and mini programs. Use the company's full or short name, or a trademark.
check-signature-kind-unknown = Choose a signature type
check-certificate-type-other = The certificate type must match the signature type
check-certificate-missing = Choose a certificate
check-proxy-missing = Choose a letter of authorization; it is required on behalf of a third party
check-description-empty = Enter the reason for applying
check-note-long = Use at most { $about } characters
check-file-empty = “{ $about }” is empty
check-file-large = “{ $about }” is larger than 4 MB
check-file-kind = “{ $about }” isn't a JPG, PNG, or PDF file
check-file-many = “{ $about }” wasn't stored: you've uploaded 50 files that no application uses. Submit an application with one of them, or try again in two days, when they are deleted.
check-sensitive-word = Contains the sensitive word “{ $about }”
check-name-empty = Enter a name
check-name-long = A name must have at most 32 characters; this one has { $about }
check-name-unreadable = Remove invisible characters from the name
check-name-length = The review standard calls for 2–12 characters; this name has { $about } (the limit is 32)
check-name-mark = The review standard allows only Chinese characters, letters, digits, and underscores, not “{ $about }”
check-text-empty = Enter the text
check-text-long = The text has { $about } characters; the limit is 500
check-text-unreadable = Remove invisible characters from the text
check-text-forbidden = ※ ● ★ ￥ are not allowed; the text contains “{ $about }”
check-text-gap = Number variables from 1 without gaps; { $about } is missing
check-text-variables-only = The text can't consist of variables only
check-text-over-500 = UCloud accepts up to 600 characters for a change, but a message is limited to 500. This text has { $about }.
check-text-lines = Contains line breaks, which some carriers and phones don't show
check-text-brackets = Contains 【】, which carriers read as a second signature
check-text-brace = “{ $about }” isn't a variable and will be sent as is. Write {"{"}1{"}"}.
check-text-repeat = { $about } appears more than once; each occurrence gets the same value
check-text-code-word = A verification code text must contain 验证码, 注册码, 校验码, or 动态码
check-text-link = Contains the link “{ $about }”. All three carriers may block texts with links; China Mobile registers at most 2 phone numbers and 1 link per extension number.
check-text-phone = Contains the phone number “{ $about }”. All three carriers may block texts with phone numbers; China Mobile registers at most 2 phone numbers and 1 link per extension number.
check-text-links = Contains { $about } links; China Mobile registers at most 1 per extension number
check-text-phones = Contains { $about } phone numbers; China Mobile registers at most 2 per extension number
check-text-marketing = Contains “{ $about }”, which reads as marketing. Verification codes and notices must have none; use a marketing template.
check-text-locked = Approved text can't be changed
check-text-unchanged = The text is unchanged. UCloud starts a new review only if the text changes.
check-text-opt-out = Marketing text must end with how to opt out, such as “{ $about }”
check-unsubscribe-missing = Marketing in Mainland China needs an opt-out instruction, such as “{ $about }”
check-unsubscribe-other = UCloud's documentation names only “{ $about }”; other wording may be rejected
check-remark-long = The note must have at most 128 characters; this one has { $about }
check-purpose-missing = Choose a purpose
document-signature-standard = UCloud: Signature review standard (签名审核标准)
document-template-standard = UCloud: Template review standard (模板审核标准)
document-notices = UCloud: Product notices (产品公告)
document-create-signature = UCloud: API reference, CreateUSMSSignature
document-create-template = UCloud: API reference, CreateUSMSTemplate
document-update-template = UCloud: API reference, UpdateUSMSTemplate
document-own-words = Your team's list of sensitive words
locked-typed = Your changes were not submitted
