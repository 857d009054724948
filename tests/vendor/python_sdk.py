"""Calls every action of the sandbox with the vendor's own SDK.

    pip install ucloud-sdk-python3
    python3 tests/vendor/python_sdk.py http://127.0.0.1:9090

Exits with 1 and a line that says why if anything is wrong.
"""

import base64
import datetime
import inspect
import json
import logging
import re
import sys
import time
import urllib.request

from ucloud.client import Client
from ucloud.core import exc
from ucloud.services.usms.client import USMSClient

MAX_WAIT_SECONDS = 15
CHINA = datetime.timezone(datetime.timedelta(hours=8))


def check(good, what):
    if not good:
        raise AssertionError(what)


def until(attempt, what):
    """Repeats attempt until its result is true; returns the result."""
    end = time.monotonic() + MAX_WAIT_SECONDS
    while time.monotonic() < end:
        result = attempt()
        if result:
            return result
        time.sleep(0.3)
    raise AssertionError("timed out waiting for: " + what)


def client_of(base_url, **changed):
    config = {
        "base_url": base_url,
        "public_key": "sandbox-public-key",
        "private_key": "sandbox-private-key",
        "project_id": "org-sandbox",
        "region": "cn-bj2",
    }
    config.update(changed)
    return Client(config).usms()


def record_calls(usms):
    """Returns a set that will contain the actions that usms calls."""
    called = set()
    invoke = usms.invoke

    def record(action, *args, **options):
        called.add(action)
        return invoke(action, *args, **options)

    usms.invoke = record
    return called


def sdk_actions():
    """Returns the actions that the SDK has methods for."""
    return set(re.findall(r'self\.invoke\(\s*"(\w+)"', inspect.getsource(USMSClient)))


def admin(base_url, path, body):
    request = urllib.request.Request(
        base_url.rstrip("/") + "/_admin/" + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()


def refused_with(ret_code, action):
    try:
        action()
    except exc.RetCodeException as error:
        check(error.code == ret_code, "RetCode %s, not %s" % (error.code, ret_code))
        return
    raise AssertionError("was not refused with %s" % ret_code)


def signature(usms, content):
    """Creates a signature that is rejected, changes it, and waits until it is approved."""
    certificate = base64.b64encode(b"certificate").decode()
    form = {"SigType": 0, "SigPurpose": 0, "CertificateType": 0}
    sig_id = usms.create_usms_signature(
        dict(form, SigContent="拒" + content, Description="自用", File=certificate)
    )["SigId"]

    def status(wanted):
        data = usms.query_usms_signature({"SigId": sig_id})["Data"]
        return data["Status"] == wanted and data

    rejected = until(lambda: status(3), "a rejected signature")
    check(rejected["ErrDesc"], "a rejected signature says why")
    file = "image/jpeg;base64," + certificate
    usms.update_usms_signature(dict(form, SigId=sig_id, SigContent=content, File=file))
    until(lambda: status(2), "an approved signature")
    return sig_id


def template(usms):
    """Creates a template that is rejected, changes it, and waits until it is approved."""
    template_id = usms.create_usms_template(
        {"Purpose": 2, "TemplateName": "发货通知", "Template": "拒订单{1}已发货"}
    )["TemplateId"]

    def status(wanted):
        data = usms.query_usms_template({"TemplateId": template_id})["Data"]
        return data["Status"] == wanted and data

    until(lambda: status(3), "a rejected template")
    usms.update_usms_template({"TemplateId": template_id, "Template": "{1}您好，订单{2}已发货"})
    data = until(lambda: status(2), "an approved template")
    check(data["Template"] == "{1}您好，订单{2}已发货", "the template has its new text")
    return template_id


def receipts_of(usms, session, count):
    """Waits for the receipts of a session; returns them by phone."""

    def complete():
        data = usms.get_usms_send_receipt({"SessionNoSet": [session]})["Data"]
        receipts = {receipt["Phone"]: receipt for receipt in data[0]["ReceiptSet"]}
        return len(receipts) == count and receipts

    return until(complete, "%d receipts" % count)


def single(usms, content, template_id):
    response = usms.send_usms_message(
        {
            "PhoneNumbers": ["18512345678", "(86)18500000001"],
            "TemplateId": template_id,
            "SigContent": content,
            "TemplateParams": ["张三", "10.0"],
            "UserId": "single",
        }
    )
    check(response["UserId"] == "single", "the user id comes back")
    receipts = receipts_of(usms, response["SessionNo"], 2)
    check(receipts["18512345678"]["ReceiptResult"] == "发送成功", "delivered")
    check(receipts["(86)18500000001"]["ReceiptCode"] == "ERRNUM", "invalid number")


def batch(usms, content, template_id):
    def target(phone, *values):
        return {"Phone": phone, "TemplateParams": list(values), "UserId": phone}

    targets = [target("18512345678", "张三", "1"), target("18500000099", "李四", "2")]
    task = [{"TemplateId": template_id, "SigContent": content, "Target": targets}]
    text = base64.b64encode(json.dumps(task).encode()).decode()
    response = usms.send_batch_usms_message({"TaskContent": text})
    check(response["SuccessCount"] == 1, "one of two is accepted")
    failed = response["FailContent"][0]["Target"][0]
    check(failed["Phone"] == "18500000099", "the other one is named")
    receipts = receipts_of(usms, response["SessionNo"], 1)
    check(receipts["18512345678"]["UserId"] == "18512345678", "the user id is in the receipt")


def statistics(usms, *messages):
    """Checks that the latest day has at least the messages that were accepted by this script."""
    today = datetime.datetime.now(CHINA).date()
    data = usms.get_usms_send_statistics(
        {
            "Page": 0,
            "NumPerPage": 10,
            "OrderBy": "SendDate",
            "OrderType": "desc",
            "StartDate": str(today - datetime.timedelta(days=1)),
            "EndDate": str(today),
            "Domestic": 1,
        }
    )
    sent = sum(day["Count"] for day in data["Data"])
    check(sent >= sum(messages), "%d messages are counted" % sent)
    check(data["StatisticsData"]["SendCount"] == sent, "the days add up to the total")
    check(all(day["BrevityCode"] == "CN" for day in data["Data"]), "by country")


def without_methods(usms):
    """Calls the two actions that are documented and that the SDK has no methods for."""
    phones = [{"Phone": "18512345678", "Purpose": 3, "Remark": "退订"}, {"Phone": "1"}]
    text = base64.b64encode(json.dumps(phones).encode()).decode()
    response = usms.invoke(
        "BatchCreateUSMSBlacklistPhone", {"IsGlobal": False, "BlackList": text}
    )
    check(response["SuccessList"] == ["18512345678"], "a phone is blocked")
    check(response["FailedList"] == ["1"], "a phone that is none is named")
    reports = usms.invoke("PullUSMSReport", {"Limit": 200})["ReportSet"]
    pulled = {report["UserId"] for report in reports}
    check({"single", "18512345678"} <= pulled, "the reports of both sends are pulled")
    check(usms.invoke("PullUSMSReport", {"Limit": 200})["ReportSet"] == [], "and only once")


def nothing_is_left_out(usms, called):
    """Checks that the sandbox knows no action of the SDK that this script does not call."""
    left = sdk_actions() - called
    check(len(sdk_actions()) > len(left) > 0, "the SDK's actions are found")
    for action in sorted(left):
        refused_with(161, lambda: usms.invoke(action, {}))


def run(base_url):
    usms = client_of(base_url)
    called = record_calls(usms)
    admin(base_url, "pull", {"open": True})
    content = "优刻得%04d" % (time.time_ns() % 10000)
    sig_id = signature(usms, content)
    template_id = template(usms)
    single(usms, content, template_id)
    batch(usms, content, template_id)
    statistics(usms, 2, 1)
    without_methods(usms)
    usms.delete_usms_template({"TemplateIds": [template_id]})
    usms.delete_usms_signature({"SigIds": [sig_id]})
    refused_with(18003, lambda: usms.query_usms_template({"TemplateId": template_id}))
    nothing_is_left_out(usms, called)
    stranger = client_of(base_url, private_key="wrong")
    refused_with(171, lambda: stranger.query_usms_signature({"SigId": sig_id}))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python_sdk.py URL")
    logging.disable(logging.CRITICAL)
    try:
        run(sys.argv[1])
    except Exception as error:
        sys.exit("failed: %s: %s" % (type(error).__name__, error))
    print("all actions work")


if __name__ == "__main__":
    main()
