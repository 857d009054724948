"""The console's tables, which Django does not manage."""

from django.db import models


class Batch(models.Model):
    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        app_label, managed, db_table = "log", False, "batches"

    def __str__(self):
        return self.name


class Template(models.Model):
    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        app_label, managed, db_table = "log", False, "sms_templates"

    def __str__(self):
        return self.name


class Submission(models.Model):
    id = models.BigIntegerField(primary_key=True)
    session_no = models.TextField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        app_label, managed, db_table = "log", False, "submissions"


class Message(models.Model):
    id = models.BigIntegerField(primary_key=True)
    phone = models.TextField()
    batch = models.ForeignKey(Batch, models.DO_NOTHING)
    template = models.ForeignKey(Template, models.DO_NOTHING)
    submission = models.ForeignKey(Submission, models.DO_NOTHING)

    class Meta:
        app_label, managed, db_table = "log", False, "messages"


class Reason(models.Model):
    id = models.IntegerField(primary_key=True)
    code = models.TextField()

    class Meta:
        app_label, managed, db_table = "log", False, "reasons"


class Outcome(models.Model):
    message = models.OneToOneField(Message, models.DO_NOTHING, primary_key=True, db_column="id")
    outcome = models.TextField()
    reason = models.ForeignKey(Reason, models.DO_NOTHING, null=True)
    receipt_at = models.DateTimeField(null=True)

    class Meta:
        app_label, managed, db_table = "log", False, "outcomes"
