"""An application that asks for flags through OpenFeature, as one behind a gateway would: its middleware takes
the user and the groups from headers. Reads cases as JSON from standard input, asks itself each of them over
HTTP, and prints what it was told.

    openfeature_app.py URL < cases.json
"""

import json
import socket
import sys
import threading
import time

import requests
import uvicorn
from fastapi import FastAPI, Request
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.transaction_context import (
    ContextVarsTransactionContextPropagator,
    set_transaction_context,
    set_transaction_context_propagator,
)

app = FastAPI()


@app.middleware("http")
async def user_and_groups(request: Request, call_next):
    user = request.headers.get("X-User-ID")
    groups = [group.strip() for group in request.headers.get("X-User-Groups", "").split(",")]
    context = EvaluationContext(user, {"groups": [group for group in groups if group]})
    set_transaction_context(context)
    return await call_next(request)


@app.post("/ask")
async def ask(request: Request):
    case = await request.json()
    client = api.get_client()
    getter = getattr(client, f"get_{case['type']}_details")
    details = getter(case["flag"], case["default"])
    return {
        "value": details.value,
        "variant": details.variant,
        "reason": str(details.reason.value if hasattr(details.reason, "value") else details.reason),
        "error": details.error_code.value if details.error_code else None,
    }


def main():
    set_transaction_context_propagator(ContextVarsTransactionContextPropagator())
    api.set_provider(OFREPProvider(sys.argv[1]))
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    session = requests.Session()
    answers = []
    for case in json.load(sys.stdin):
        headers = {}
        if case["user"] is not None:
            headers["X-User-ID"] = case["user"]
        if case["groups"]:
            headers["X-User-Groups"] = ", ".join(case["groups"])
        answer = session.post(f"http://127.0.0.1:{port}/ask", json=case, headers=headers, timeout=30)
        answer.raise_for_status()
        answers.append(answer.json())
    json.dump(answers, sys.stdout)
    server.should_exit = True
    thread.join()


main()
