# Runs a handler as AWS's own Python runtime does: asks the Runtime API for invocations, one after the other.
# Documented: "Building a custom runtime" and "Define Lambda function handler in Python".
import http.client
import importlib
import json
import os
import sys
import threading
import time
import traceback
import types

BASE = "/2018-06-01/runtime/"
ENVIRONMENT = os.environ
connection = http.client.HTTPConnection(ENVIRONMENT["AWS_LAMBDA_RUNTIME_API"])


def leave_with_parent():
    # Whoever started this is gone when its end of the standard input is.
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)


def call(method, where, body=None, headers=None):
    connection.request(method, BASE + where, body, headers or {})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def failure(error):
    stack = traceback.format_list(traceback.extract_tb(error.__traceback__)[1:])
    return {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": stack}


CLIENT = "installation_id app_title app_version_name app_version_code app_package_name"


def made(said, names):
    return None if said is None else types.SimpleNamespace(**{name: said.get(name) for name in names.split()})


class Context:
    def __init__(self, headers):
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = ENVIRONMENT.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = ENVIRONMENT.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = ENVIRONMENT.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = ENVIRONMENT.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = ENVIRONMENT.get("AWS_LAMBDA_LOG_STREAM_NAME")
        # Their attributes are there whatever was sent, as with AWS's own.
        self.client_context = made(json.loads(headers.get("Lambda-Runtime-Client-Context") or "null"), "custom env client")
        if self.client_context:
            self.client_context.client = made(self.client_context.client, CLIENT)
        self.identity = made({}, "cognito_identity_id cognito_identity_pool_id")

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)


def load():
    whole = ENVIRONMENT.get("_HANDLER", "")
    module, dot, name = whole.rpartition(".")
    if not dot:
        raise ValueError(f"Bad handler '{whole}': not enough values to unpack (expected 2, got 1)")
    sys.path.insert(0, ENVIRONMENT.get("LAMBDA_TASK_ROOT", os.getcwd()))
    loaded = importlib.import_module(module.replace("/", "."))
    if not hasattr(loaded, name):
        error = AttributeError(f"Handler '{name}' missing on module '{module}'")
        raise error
    return getattr(loaded, name)


def named_init_failure(error):
    said = failure(error)
    if isinstance(error, ImportError):
        module = ENVIRONMENT.get("_HANDLER", "").rpartition(".")[0]
        said.update(errorType="Runtime.ImportModuleError", errorMessage=f"Unable to import module '{module}': {error}")
    elif isinstance(error, AttributeError) and str(error).startswith("Handler '"):
        said.update(errorType="Runtime.HandlerNotFound")
    elif isinstance(error, ValueError) and str(error).startswith("Bad handler"):
        said.update(errorType="Runtime.MalformedHandlerName")
    elif isinstance(error, SyntaxError):
        said.update(errorType="Runtime.UserCodeSyntaxError", errorMessage=f"Syntax error in module '{error.filename}': {error}")
    return said


threading.Thread(target=leave_with_parent, daemon=True).start()
sys.stdout.reconfigure(line_buffering=True)
try:
    handler = load()
except BaseException as error:
    traceback.print_exc()
    said = named_init_failure(error)
    call("POST", "init/error", json.dumps(said), {"Lambda-Runtime-Function-Error-Type": said["errorType"]})
    os._exit(1)
while True:
    try:
        status, headers, body = call("GET", "invocation/next")
    except OSError:
        os._exit(0)
    if status != 200:
        os._exit(0)
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    if headers.get("Lambda-Runtime-Trace-Id"):
        ENVIRONMENT["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
    where = "response"
    try:
        answer = json.dumps(handler(json.loads(body), Context(headers)))
    except Exception as error:
        traceback.print_exc()
        where, answer = "error", json.dumps({**failure(error), "requestId": request_id})
    call("POST", f"invocation/{request_id}/{where}", answer.encode(), {"Content-Type": "application/json"})
