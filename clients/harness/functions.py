"""Lambda's Invoke over HTTP, with handlers as people write them: each is called with the event that came."""

import json
import threading
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BEFORE, AFTER = "/2015-03-31/functions/", "/invocations"


class Context:
    """What a handler is given beside its event."""

    def __init__(self, name, qualifier):
        self.function_name = name
        self.function_version = qualifier or "$LATEST"
        self.aws_request_id = str(uuid.uuid4())


class Functions:
    """An Invoke endpoint on a free port of 127.0.0.1; `handlers` are by function name."""

    def __init__(self, **handlers):
        functions = self
        self.handlers = handlers
        # Of each call: function, qualifier, invocation type, event.
        self.calls = []

        class Invoke(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                url = urlsplit(self.path)
                name = url.path.removeprefix(BEFORE).removesuffix(AFTER)
                qualifier = parse_qs(url.query).get("Qualifier", [None])[0]
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                functions.answer(self, name, qualifier, json.loads(payload))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._serving = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._serving.start()

    def answer(self, request, name, qualifier, event):
        """Runs a handler and says what came of it as Lambda does."""
        kind = request.headers["X-Amz-Invocation-Type"]
        context = Context(name, qualifier)
        self.calls.append((name, qualifier, kind, event))
        status, headers = 200, {"x-amzn-RequestId": context.aws_request_id}
        if name not in self.handlers:
            status, gave = 404, {"Type": "User", "Message": f"Function not found: {name}"}
            headers["x-amzn-ErrorType"] = "ResourceNotFoundException"
        elif kind == "Event":
            threading.Thread(target=self.handlers[name], args=(event, context), daemon=True).start()
            status, gave = 202, None
        else:
            try:
                gave = self.handlers[name](event, context)
                headers["X-Amz-Executed-Version"] = context.function_version
            except Exception as error:
                gave = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": traceback.format_tb(error.__traceback__)}
                headers["X-Amz-Function-Error"] = "Unhandled"
        body = b"" if status == 202 else json.dumps(gave).encode("utf-8")
        request.send_response(status)
        for header, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            request.send_header(header, value)
        request.end_headers()
        request.wfile.write(body)

    def stop(self):
        """Ends it."""
        self.server.shutdown()
        self.server.server_close()
        self._serving.join()
