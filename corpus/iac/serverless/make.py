"""Makes the cases of this folder: services of the Serverless Framework, and what its open fork osls makes of each.
`npm install osls@4.3.1` in a folder of your own, then `python make.py THAT/FOLDER/node_modules/.bin/osls [case…]`. Nothing is deployed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
HEAD = "service: chat\nprovider:\n  name: aws\n  runtime: nodejs22.x\n"


def one(events, provider="", more=""):
    """A service with one function of these events."""
    listed = "".join(f"      - websocket: {event}\n" for event in events)
    return f"{HEAD}{provider}functions:\n  main:\n    handler: handler.main\n    events:\n{listed}{more}"


AUTH = "  auth:\n    handler: handler.auth\n"
CASES = {
    "short_events": {"service": one(["$connect", "$disconnect", "$default", "join"])},
    "names_with_signs": {
        "service": HEAD + "functions:\n  send-it_now:\n    handler: a/b.c\n    events:\n      - websocket: room/send-it_now.v1\n  b2:\n    handler: d.e\n    events:\n      - websocket: {route: Join, routeResponseSelectionExpression: $default}\n      - websocket: leave\n"
    },
    "authorizer_by_name": {"service": one(["{route: $connect, authorizer: auth}"], more=AUTH)},
    "authorizer_by_map": {"service": one(["{route: $connect, authorizer: {name: auth, identitySource: [route.request.querystring.t]}}"], more=AUTH)},
    "authorizer_by_arn": {"service": one(["{route: $connect, authorizer: 'arn:aws:lambda:us-east-1:123456789012:function:door-keeper'}"])},
    "authorizer_by_arn_in_a_map": {"service": one(["{route: $connect, authorizer: {arn: 'arn:aws:lambda:us-east-1:123456789012:function:door', identitySource: [route.request.header.A, route.request.header.B]}}"])},
    "authorizer_by_function": {
        "service": one(["{route: $connect, authorizer: {arn: !GetAtt Other.Arn, name: other_one}}"], more="resources:\n  Resources:\n    Other: {Type: 'AWS::Lambda::Function', Properties: {FunctionName: other}}\n")
    },
    "logs_true": {"service": one(["join"], "  logs: {websocket: true}\n")},
    "logs_false": {"service": one(["join"], "  logs: {websocket: false}\n")},
    "logs_error": {"service": one(["join"], "  logs: {websocket: {level: ERROR, fullExecutionData: false}}\n")},
    "logs_no_access": {"service": one(["join"], "  logs: {websocket: {accessLogging: false}}\n")},
    "logs_no_execution": {"service": one(["join"], "  logs: {websocket: {executionLogging: false, format: '$context.requestId'}}\n")},
    "settings_of_the_api": {
        "service": one(["join"], "  stage: beta\n  region: eu-west-1\n  tags: {a: b, c: '1'}\n  websocketsApiName: the-${sls:stage}-api\n  websocketsApiRouteSelectionExpression: $request.body.verb\n  websocketsDescription: talk\n")
    },
    "stage_by_option": {"service": one(["join"], "  stage: ${opt:stage, 'dev'}\n"), "stage": "live"},
    "external_api": {"service": one(["join", "$default"], "  apiGateway: {websocketApiId: abc123}\n")},
    "external_api_by_function": {"service": one(["join"], "  apiGateway: {websocketApiId: !ImportValue the-api}\n")},
    "environment": {
        "service": HEAD + "  environment: {A: one, B: two, REF: !Ref WebsocketsApi}\nfunctions:\n  main:\n    handler: handler.main\n    environment: {B: own, N: 3, C: !Sub 'x-${AWS::Region}-${WebsocketsApi}'}\n    events: [{websocket: join}]\n"
    },
    "settings_of_functions": {
        "service": HEAD + "  memorySize: 256\n  timeout: 9\n  tags: {a: all, b: all}\nfunctions:\n  main:\n    handler: handler.main\n    name: mine\n    description: a function\n    memorySize: 512\n    timeout: 12\n    runtime: nodejs20.x\n    architecture: arm64\n    tags: {b: own}\n    condition: C\n    dependsOn: [T]\n    events: [{websocket: join}]\n  other: {handler: handler.other}\nresources:\n  Conditions: {C: !Equals [a, b]}\n  Resources: {T: {Type: 'AWS::SNS::Topic'}}\n"
    },
    "image": {
        "service": HEAD + "functions:\n  main:\n    image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/a@sha256:6bb600b4d6e1d7cf521097177dd0c4e9ea373edb91984a505333be8ac9455d38\n    events: [{websocket: join}]\n"
    },
    "variables": {
        "service": "service: ${self:custom.names.first}\nprovider:\n  name: aws\n  runtime: ${self:custom.runtime}\n  environment:\n    STAGE: ${sls:stage}\n    ENV: ${env:GREETING}\n    NO_ENV: ${env:NOT_THERE, 'none'}\n    PARAM: ${param:p}\n    SHARED: ${param:shared}\n    FILE: ${file(./config.${sls:stage}.yml):a.b}\n    JSON: ${file(config.json):x}\n    TEXT: ${file(text.txt)}\n    NESTED: ${self:custom.${file(config.json):key}.deep}\n    MANY: ${opt:no, self:custom.no, 'last, of all'}\n    NUMBER: ${self:custom.number}\n    CHAIN: ${self:custom.chain}-${self:custom.chain}\n    ESCAPED: a\\${sls:stage}b\n    FOREIGN: {'Fn::Sub': '${AWS::Region}-${sls:stage}-${WebsocketsApi}'}\n    LIST: ${self:custom.list.1}\n    DOUBLE: \"${opt:no, \\\"d'q\\\"}\"\n    STAGE2: ${self:provider.stage, 'otherwise'}\n    BOOL: ${strToBool('true')}\ncustom:\n  names: {first: uno, second: due}\n  runtime: nodejs20.x\n  number: 12\n  chain: ${self:custom.link}\n  link: ${sls:stage}!\n  inner: {deep: found}\n  list: [zero, one]\nparams:\n  default: {shared: all, p: all}\n  dev: {p: of-dev}\nfunctions: ${file(functions.yml):functions}\n",
        "files": {
            "config.dev.yml": "a: {b: '${self:service}!'}\n",
            "config.json": '{"x": "y", "key": "inner"}',
            "text.txt": "some text",
            "functions.yml": "functions:\n  main:\n    handler: handler.main\n    events:\n      - websocket: ${file(routes.yml):main}\n",
            "routes.yml": "main: {route: join, routeResponseSelectionExpression: $default}\n",
        },
    },
    "dotenv": {
        "service": HEAD.replace("chat", "chat\nuseDotenv: true") + "  environment: {A: \"${env:A}\", B: \"${env:B}\", C: \"${env:C}\", D: \"${env:D, 'none'}\", E: \"${env:E}\", GREETING: \"${env:GREETING}\"}\nfunctions:\n  main: {handler: a.b}\n",
        "files": {".env": "D=not read\n", ".env.dev": "# one\nA=1\nexport B = two words # more\nC='a # $A'\nE=\"x\\ny-${A}-$GREETING-${NO:-no}\"\nGREETING=not taken\n"},
    },
    "functions_in_a_list": {
        "service": HEAD + "functions:\n  - ${file(one.yml)}\n  - two: {handler: b.c, events: [{websocket: leave}]}\n",
        "files": {"one.yml": "one:\n  handler: a.b\n  events:\n    - websocket: join\n"},
    },
    "resources_are_merged": {
        "service": one(["join", "$connect"], more="resources:\n  Description: mine\n  Parameters: {P: {Type: String, Default: x}}\n  Resources:\n    WebsocketsApi: {Type: 'AWS::ApiGatewayV2::Api', Properties: {Description: own, ApiKeySelectionExpression: $request.header.x-api-key}}\n    joinWebsocketsRoute: {Type: 'AWS::ApiGatewayV2::Route', Properties: {ApiKeyRequired: true}}\n    Table: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: 'chat-${sls:stage}'}}\n  Outputs:\n    Api: {Value: !Ref WebsocketsApi}\n  extensions:\n    WebsocketsDeploymentStage: {Properties: {StageVariables: {a: b}}}\n    MainWebsocketsIntegration: {DependsOn: [Table], DeletionPolicy: Retain}\n"),
    },
    "resources_in_a_list": {
        "service": one(["join"], more="resources:\n  - ${file(table.yml)}\n  - Outputs: {Table: {Value: !Ref Table}}\n  - Resources: {Table: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: two}}}\n"),
        "files": {"table.yml": "Resources:\n  Table: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: one, Tags: [{Key: a, Value: '${sls:stage}'}]}}\n"},
    },
    "two_functions_of_one_route": {"service": one(["join"], more="  second: {handler: b.c, events: [{websocket: join}]}\n")},
    "no_events": {"service": HEAD + "functions:\n  main: {handler: a.b}\n"},
    "refused_circle": {"service": one(["${self:custom.a}"], more="custom: {a: '${self:custom.b}', b: '${self:custom.a}'}\n")},
    "refused_no_value": {"service": one(["join"], "  environment: {A: '${opt:no}'}\n")},
    "refused_map_in_a_text": {"service": one(["join"], "  environment: {A: 'x-${self:custom.m}'}\n", "custom: {m: {a: b}}\n")},
    "refused_not_a_variable": {"service": one(["join"], "  environment: {A: '${opt:no, what is this}'}\n")},
    "refused_log_level": {"service": one(["join"], "  logs: {websocket: {level: DEBUG}}\n")},
    "refused_authorizer_unknown": {"service": one(["{route: $connect, authorizer: nobody}"])},
    "refused_extension": {"service": one(["join"], more="resources: {extensions: {None: {Properties: {}}}}\n")},
}


def compared(template):
    """What of a template is compared: the API, the functions without their code, and what the service says itself."""
    resources = {}
    for name, resource in template["Resources"].items():
        kind = resource["Type"]
        if name.startswith(("ServerlessDeploymentBucket", "Custom", "IamRole")) or kind == "AWS::Lambda::Version":
            continue
        if kind == "AWS::Lambda::Function":
            resource.get("Properties", {}).pop("Code", None)
        resources[name] = resource
    outputs = {
        name: output
        for name, output in template.get("Outputs", {}).items()
        if not name.endswith("LambdaFunctionQualifiedArn") and name != "ServerlessDeploymentBucketName"
    }
    kept = {"Resources": resources, "Outputs": outputs}
    kept |= {name: section for name, section in template.items() if name in ("Conditions", "Parameters", "Description")}
    # The deployment's id has a hash of what the framework made.
    return json.loads(re.sub(r'"WebsocketsDeployment(?!Stage")[0-9A-Za-z]+"', '"Deployment"', json.dumps(kept)))


def run(osls, case):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = {"serverless.yml": case["service"], "handler.js": "", "text.txt": ""} | case.get("files", {})
        for file, text in texts.items():
            (folder / file).write_text(text)
        environment = {"PATH": os.environ["PATH"], "HOME": name, "GREETING": "hello", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "SLS_TELEMETRY_DISABLED": "1"}
        command = [osls, "package"] + (["--stage", case["stage"]] if "stage" in case else [])
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        made = folder / ".serverless/cloudformation-template-update-stack.json"
        if done.returncode == 0:
            return {"compiled": compared(json.loads(made.read_text()))}
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return {"refused": next((line for line in said if not line.startswith(("Packaging", "Error:", "✖", "Environment", "Configuration error", "Cannot resolve serverless.yml"))), "")}


def main():
    osls = str(pathlib.Path(sys.argv[1]).resolve())
    for name, case in CASES.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        made = run(osls, case)
        print(name, made.get("refused", ""))
        assert ("refused" in made) == name.startswith("refused_"), (name, made)
        (HERE / f"{name}.json").write_text(json.dumps(case | made, indent=1, ensure_ascii=False) + "\n")


main()
