# The route `whoami`, in Python: answers the sender.
import json


def handler(event, context):
    about = event["requestContext"]
    return {"statusCode": 200, "body": json.dumps({"you": about["connectionId"], "since": about["connectedAt"], "function": context.function_name})}
