"""The list of messages, with the columns of the console's."""

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

    def known(self, message):
        return getattr(message, "outcome", None)

    def state(self, message):
        known = self.known(message)
        return known.outcome if known else "waiting"

    def code(self, message):
        known = self.known(message)
        return known.reason.code if known and known.reason else ""

    def session(self, message):
        return message.submission.session_no

    def sent_at(self, message):
        return message.submission.sent_at

    def receipt_at(self, message):
        known = self.known(message)
        return known.receipt_at if known else None
