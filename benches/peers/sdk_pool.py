"""A script that does the same as the console, for comparison: the vendor's SDK in a pool of threads.

Reads a list without a header (phone, values…), sends it with SendBatchUSMSMessage, 200 phones per
call and 8 calls at a time, and retries a failed call twice, as such scripts usually do.

usage: sdk_pool.py URL LIST
"""

import base64
import csv
import itertools
import json
import logging
import sys
from concurrent.futures import ThreadPoolExecutor

from ucloud.client import Client

logging.getLogger("ucloud").setLevel(logging.ERROR)

url, path = sys.argv[1:]
client = Client({
    "public_key": "sandbox-public-key",
    "private_key": "sandbox-private-key",
    "project_id": "org-sandbox",
    "base_url": url,
    "max_retries": 0,
    "timeout": 5,
    "log_level": logging.ERROR,
})


def calls():
    with open(path, encoding="utf-8", newline="") as file:
        rows = enumerate(csv.reader(file))
        while group := list(itertools.islice(rows, 200)):
            yield [
                {"Phone": row[0], "TemplateParams": row[1:], "UserId": f"peer-{n}"}
                for n, row in group
            ]


def send(targets):
    content = [{"TemplateId": "UTBENCH", "SigContent": "云帆书店", "Target": targets}]
    encoded = base64.b64encode(json.dumps(content).encode()).decode()
    for attempt in range(3):
        try:
            client.usms().send_batch_usms_message({"TaskContent": encoded})
            return 1
        except Exception as error:  # noqa: BLE001 - such scripts retry whatever the error is
            last = error
    print("given up:", last, file=sys.stderr)
    return 0


with ThreadPoolExecutor(max_workers=8) as pool:
    done = sum(pool.map(send, calls()))
print(f"{done} calls went through")
