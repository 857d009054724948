"""The list of messages, with the same columns as the console's."""

from django.contrib import admin

from .models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["id", "phone", "state", "code", "batch", "session", "sent_at", "receipt_at"]
    list_filter = ["template"]
    list_select_related = ["batch", "submission", "outcome", "outcome__reason"]
    search_fields = ["phone__exact"]
    list_per_page = 50
    ordering = ["-id"]

    def outcome_of(self, message):
        return getattr(message, "outcome", None)

    def state(self, message):
        outcome = self.outcome_of(message)
        return outcome.outcome if outcome else "waiting"

    def code(self, message):
        outcome = self.outcome_of(message)
        return outcome.reason.code if outcome and outcome.reason else ""

    def session(self, message):
        return message.submission.session_no

    def sent_at(self, message):
        return message.submission.sent_at

    def receipt_at(self, message):
        outcome = self.outcome_of(message)
        return outcome.receipt_at if outcome else None
