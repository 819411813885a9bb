"""Makes the cases of this folder: templates with `AWS::Serverless::WebSocketApi`, and what AWS's own translator makes of
each. `pip install aws-sam-translator==1.115.0`, then `python make.py`: the same seed gives the same files.
"""

import copy
import json
import os
import pathlib
import random

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform


class NoPolicies:
    """The translator asks IAM for the names of managed policies; none is used here."""

    def load(self):
        return {}


HERE = pathlib.Path(__file__).parent
SEED = 20260713
RANDOM_CASES = 24
FUNCTION = {
    "Type": "AWS::Serverless::Function",
    "Properties": {"Runtime": "nodejs22.x", "Handler": "index.handler", "InlineCode": "exports.handler = async () => ({});"},
}
ARN = {"Fn::GetAtt": ["Handler", "Arn"]}
ROUTE = {"FunctionArn": ARN}


def template(properties, globals_=None, **more):
    ws = {"RouteSelectionExpression": "$request.body.action", "Routes": {"$default": ROUTE}} | properties
    ws = {key: value for key, value in ws.items() if value is not ...}
    made = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Handler": FUNCTION, "Ws": {"Type": "AWS::Serverless::WebSocketApi", "Properties": ws}},
    }
    if globals_ is not None:
        made["Globals"] = globals_
    for key, value in more.items():
        if isinstance(value, dict) and key in made:
            made[key] |= value
        else:
            made[key] = value
    return copy.deepcopy(made)


CONNECT = {"Routes": {"$connect": ROUTE}}
CUSTOM = {"AuthType": "CUSTOM", "AuthArn": ARN}
DOMAIN = {"DomainName": "chat.example.com", "CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/c"}

STAGE_PARAMETER = {"Stage": {"Type": "String", "Default": "live"}}

WRITTEN = {
    "the_least": template({}),
    "all_special_routes": template({"Routes": {"$connect": ROUTE, "$disconnect": ROUTE, "$default": ROUTE}}),
    "capital_letters_in_a_key": template({"Routes": {"sendMessage": ROUTE, "JOIN": ROUTE, "a1B2": ROUTE}}),
    "two_keys_with_one_id": template({"RouteSettings": {"join": {"ThrottlingBurstLimit": 1}}, "Routes": {"join": {**ROUTE, "OperationName": "first"}, "Join": {**ROUTE, "OperationName": "second"}}}),
    "stage_by_parameter": template({"StageName": {"Ref": "Stage"}}, Parameters=STAGE_PARAMETER, Outputs={"S": {"Value": {"Ref": "Ws.Stage"}}}),
    "parameters_inside_routes_and_auth": template(
        {
            "Routes": {"$connect": {**ROUTE, "OperationName": {"Ref": "Stage"}, "RouteResponseSelectionExpression": {"Fn::Sub": "${Stage}-${AWS::Region}-${Handler}-${!Stage}"}}},
            "Auth": {**CUSTOM, "Name": {"Fn::Sub": ["${Stage}${Other}", {"Other": {"Ref": "Stage"}}]}},
            "Description": {"Ref": "Stage"},
        },
        Parameters=STAGE_PARAMETER,
    ),
    "references_to_what_is_made": template(
        {"StageName": "prod", "Domain": DOMAIN},
        Outputs={
            "Stage": {"Value": {"Ref": "Ws.Stage"}},
            "Domain": {"Value": {"Ref": "Ws.DomainName"}},
            "Zone": {"Value": {"Fn::GetAtt": ["Ws", "DomainName.RegionalHostedZoneId"]}},
            "Other": {"Value": {"Fn::GetAtt": ["Ws.DomainName", "RegionalDomainName"]}},
            "Url": {"Value": {"Fn::Sub": "wss://${Ws}/${Ws.Stage}/${Ws.DomainName.RegionalDomainName}/${!Ws.Stage}/${Ws.ApiId}"}},
            "Listed": {"Value": {"Fn::Sub": ["${Ws.Stage}/${X}", {"X": {"Ref": "Ws.Stage"}}]}},
        },
    ),
    "auth_iam": template({**CONNECT, "Auth": {"AuthType": "AWS_IAM"}}),
    "auth_none": template({**CONNECT, "Auth": {"AuthType": "NONE"}}),
    "auth_empty": template({"Auth": {}}),
    "auth_custom": template({**CONNECT, "Auth": {**CUSTOM, "IdentitySource": ["route.request.header.Auth"], "Name": "door"}}),
    "auth_custom_with_a_role": template({**CONNECT, "Auth": {**CUSTOM, "InvokeRole": "arn:aws:iam::123456789012:role/r"}}),
    "domain_with_paths": template({"StageName": "v1", "Domain": {**DOMAIN, "BasePath": ["/a/b-c_d/", "x"], "SecurityPolicy": "TLS_1_2", "OwnershipVerificationCertificateArn": "arn:o"}}),
    "domain_with_one_path": template({"Domain": {**DOMAIN, "BasePath": "one"}}),
    "domain_by_parameter_with_records": template(
        {"Domain": {**DOMAIN, "DomainName": {"Ref": "Name"}, "Route53": {"HostedZoneId": "Z1", "IpV6": True, "EvaluateTargetHealth": True, "SetIdentifier": "s", "Region": "eu-west-1"}}},
        Parameters={"Name": {"Type": "String", "Default": "chat.example.org"}},
    ),
    "domain_by_function_with_records": template({"Domain": {**DOMAIN, "DomainName": {"Fn::Join": [".", ["ü", {"Ref": "AWS::StackName"}]]}, "Route53": {"HostedZoneName": "example.com."}}}),
    "tags_propagate": template({"Tags": {"a": "b"}, "PropagateTags": True, "Domain": DOMAIN}),
    "tags_do_not_propagate": template({"Tags": {"a": "b", "websocketapi:createdBy": "me"}, "Domain": DOMAIN}),
    "no_tags_to_propagate": template({"PropagateTags": True}),
    "globals_merge": template(
        {"Tags": {"a": "own"}, "StageVariables": {"x": "own"}, "RouteSettings": {"join": {"ThrottlingRateLimit": 5}}, "Routes": {"join": ROUTE}, "RouteSelectionExpression": ...},
        {"WebSocketApi": {
            "RouteSelectionExpression": "$request.body.verb",
            "Tags": {"a": "all", "b": "all"},
            "StageVariables": {"x": {"Ref": "AWS::Region"}, "y": "all"},
            "RouteSettings": {"join": {"ThrottlingBurstLimit": 7, "ThrottlingRateLimit": 1}},
            "DefaultRouteSettings": {"LoggingLevel": "INFO"},
            "AccessLogSettings": {"DestinationArn": "arn:x", "Format": "$context.requestId"},
            "IpAddressType": "dualstack",
            "FailOnWarnings": True,
        }},
    ),
    "globals_lists_and_functions": template(
        {"Domain": {"BasePath": ["own"]}, "Tags": {"Fn::If": ["C", {"a": "b"}, {}]}},
        {"WebSocketApi": {"Domain": {**DOMAIN, "BasePath": ["all"]}, "Tags": {"c": "d", "e": "f"}}},
        Conditions={"C": {"Fn::Equals": ["a", "a"]}},
    ),
    "condition_and_depends_on": template({}, Conditions={"C": {"Fn::Equals": ["a", "b"]}}, Resources={}),
    "everything_of_a_route": template({"Routes": {"$connect": {**ROUTE, "ApiKeyRequired": True, "IntegrationTimeout": 900, "ModelSelectionExpression": "$request.body.kind", "OperationName": "Connect", "RequestModels": {"$default": "M"}, "RequestParameters": {"route.request.querystring.t": {"Required": True}}, "RouteResponseSelectionExpression": "$default"}}}),
    # Refusals.
    "refused_no_routes": template({"Routes": {}}),
    "refused_routes_missing": template({"Routes": ...}),
    "refused_expression_missing": template({"RouteSelectionExpression": ...}),
    "refused_stage_default": template({"StageName": "$default"}),
    "refused_stage_not_alphanumeric": template({"StageName": "my-stage"}),
    "refused_key_with_a_dash": template({"Routes": {"a-b": ROUTE}}),
    "refused_key_with_a_sign": template({"Routes": {"$other": ROUTE}}),
    "refused_parameters_elsewhere": template({"Routes": {"join": {**ROUTE, "RequestParameters": {"route.request.header.x": {"Required": True}}}}}),
    "refused_auth_without_connect": template({"Auth": {"AuthType": "AWS_IAM"}}),
    "refused_auth_without_arn": template({**CONNECT, "Auth": {"AuthType": "CUSTOM"}}),
    "refused_auth_unknown": template({**CONNECT, "Auth": {"AuthType": "JWT"}}),
    "refused_auth_without_type": template({**CONNECT, "Auth": {"AuthArn": ARN}}),
    "refused_auth_iam_with_more": template({**CONNECT, "Auth": {"AuthType": "AWS_IAM", "Name": "x"}}),
    "refused_auth_none_with_more": template({**CONNECT, "Auth": {"AuthType": "NONE", "Name": "x"}}),
    "refused_mutual_tls": template({"Domain": {**DOMAIN, "MutualTlsAuthentication": {"TruststoreUri": "s3://b/k"}}}),
    "refused_domain_without_certificate": template({"Domain": {"DomainName": "x.example.com"}}),
    "refused_domain_edge": template({"Domain": {**DOMAIN, "EndpointConfiguration": "EDGE"}}),
    "refused_base_path": template({"Domain": {**DOMAIN, "BasePath": ["a.b"]}}),
    "refused_base_path_number": template({"Domain": {**DOMAIN, "BasePath": [1]}}),
    "refused_records_without_zone": template({"Domain": {**DOMAIN, "Route53": {"IpV6": True}}}),
    "refused_address_type": template({"IpAddressType": "ipv6"}),
    "refused_function_missing": template({"Routes": {"join": {"OperationName": "x"}}}),
    "refused_unknown_property": template({"StagesName": "x"}),
    "refused_name_is_a_number": template({"Name": 12}),
    "refused_tags_are_a_list": template({"Tags": [{"Key": "a", "Value": "b"}]}),
    "refused_boolean_as_text": template({"DisableExecuteApiEndpoint": "true"}),
    "refused_id_is_taken": template({}, Resources={"WsDefaultRoute": {"Type": "AWS::SNS::Topic"}}),
    "refused_globals_property": template({}, {"WebSocketApi": {"Routes": {}}}),
    "refused_globals_kind": template({}, {"WebsocketApi": {}}),
    "refused_ignored_globals": template({}, {"WebSocketApi": {"Tags": {"a": "b"}}}),
}
WRITTEN["condition_and_depends_on"]["Resources"]["Ws"] |= {"Condition": "C", "DependsOn": "Handler", "DeletionPolicy": "Retain", "Metadata": {"a": 1}}
WRITTEN["refused_ignored_globals"]["Resources"]["Ws"]["IgnoreGlobals"] = ["Domain"]
WRITTEN["globals_ignored"] = template({}, {"WebSocketApi": {"Tags": {"a": "b"}, "StageVariables": {"x": "y"}}})
WRITTEN["globals_ignored"]["Resources"]["Ws"]["IgnoreGlobals"] = ["Tags"]
WRITTEN["globals_all_ignored"] = template({}, {"WebSocketApi": {"Tags": {"a": "b"}}})
WRITTEN["globals_all_ignored"]["Resources"]["Ws"]["IgnoreGlobals"] = "*"


def some(rng, choices):
    return {key: make() for key, make in choices.items() if rng.random() < 0.4}


def arn(rng):
    return rng.choice([ARN, {"Ref": "FunctionArn"}, {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:1:function:${Stage}"}, "arn:aws:lambda:eu-west-1:1:function:f"])


def drawn(rng):
    text = lambda: rng.choice(["plain", "$request.body.x", {"Ref": "Stage"}, {"Fn::Sub": "${Stage} of ${AWS::StackName}"}])
    boolean = lambda: rng.choice([True, False])
    keys = rng.sample(["$connect", "$disconnect", "$default", "join", "sendMessage", "LEAVE", "x9"], rng.randint(1, 6))

    def route(key):
        made = {"FunctionArn": arn(rng)} | some(rng, {
            "ApiKeyRequired": boolean,
            "IntegrationTimeout": lambda: rng.choice([50, 29000, "1000", {"Ref": "Timeout"}]),
            "ModelSelectionExpression": text,
            "OperationName": text,
            "RequestModels": lambda: {"$default": "Model"},
            "RouteResponseSelectionExpression": lambda: "$default",
        })
        if key == "$connect" and rng.random() < 0.5:
            made["RequestParameters"] = {"route.request.header.Origin": {"Required": boolean()}}
        return made

    properties = some(rng, {
        "ApiKeySelectionExpression": text,
        "AccessLogSettings": lambda: {"DestinationArn": text(), "Format": "$context.requestId"},
        "DefaultRouteSettings": lambda: {"ThrottlingRateLimit": rng.randint(1, 9), "DataTraceEnabled": boolean()},
        "Description": text,
        "DisableExecuteApiEndpoint": boolean,
        "DisableSchemaValidation": boolean,
        "FailOnWarnings": boolean,
        "IpAddressType": lambda: rng.choice(["ipv4", "dualstack", {"Ref": "Stage"}]),
        "Name": text,
        "PropagateTags": boolean,
        "RouteSettings": lambda: {keys[0]: {"ThrottlingBurstLimit": rng.randint(1, 9)}},
        "StageName": lambda: rng.choice(["prod", "Beta2", "default", {"Ref": "Stage"}, {"Fn::Sub": "${Stage}x"}]),
        "StageVariables": lambda: {"a": text(), "b": "c"},
        "Tags": lambda: {"team": text()},
        "Domain": lambda: DOMAIN | some(rng, {
            "DomainName": lambda: rng.choice(["a.example.com", {"Ref": "Stage"}, {"Fn::Sub": "${Stage}.example.com"}]),
            "BasePath": lambda: rng.choice(["v1", ["v1", "a/b"], []]),
            "EndpointConfiguration": lambda: "REGIONAL",
            "SecurityPolicy": lambda: "TLS_1_2",
            "Route53": lambda: rng.choice([{"HostedZoneId": {"Ref": "Stage"}}, {"HostedZoneName": "example.com.", "IpV6": True}]),
        }),
    })
    if "$connect" in keys:
        properties |= some(rng, {"Auth": lambda: rng.choice([
            {"AuthType": "NONE"},
            {"AuthType": "AWS_IAM"},
            {"AuthType": "CUSTOM", "AuthArn": arn(rng), "IdentitySource": [text()]},
            {"AuthType": "CUSTOM", "AuthArn": arn(rng), "InvokeRole": arn(rng), "Name": text()},
        ])})
    shared = some(rng, {
        "Tags": lambda: {"team": "all", "of": "all"},
        "StageVariables": lambda: {"a": "all", "z": text()},
        "DefaultRouteSettings": lambda: {"LoggingLevel": "INFO", "ThrottlingRateLimit": 1},
        "PropagateTags": boolean,
        "RouteSelectionExpression": lambda: "$request.body.all",
        "Domain": lambda: DOMAIN | {"BasePath": ["all"]},
    })
    parameters = STAGE_PARAMETER | {"FunctionArn": {"Type": "String", "Default": "arn:aws:lambda:eu-west-1:1:function:p"}, "Timeout": {"Type": "Number", "Default": "70"}}
    return template(properties | {"Routes": {key: route(key) for key in keys}}, {"WebSocketApi": shared}, Parameters=parameters, Outputs={"Stage": {"Value": {"Ref": "Ws.Stage"}}})


def main():
    rng = random.Random(SEED)
    cases = WRITTEN | {f"drawn_{number:02}": drawn(rng) for number in range(RANDOM_CASES)}
    for old in HERE.glob("*.json"):
        old.unlink()
    for name, made in cases.items():
        case = {"template": copy.deepcopy(made)}
        try:
            case["expanded"] = transform(copy.deepcopy(made), {}, NoPolicies())
        except InvalidDocumentException as refusal:
            case["refused"] = [cause.message for cause in refusal.causes]
        assert ("refused" in case) == name.startswith("refused_"), (name, case.get("refused"))
        (HERE / f"{name}.json").write_text(json.dumps(case, indent=1, ensure_ascii=False) + "\n")
    print(len(cases), "cases")


main()
