"""What people did on AWS and met on the data plane: `corpus/field/f06`."""

import http.client
import json
from pathlib import Path

from harness.aws import Api
from harness.frames import RawClient

CASE = json.loads((Path(__file__).parent.parent / "corpus/field/f06-custom-domain-with-stage.json").read_text())


def test_a_stage_in_the_path_of_a_custom_domain_name_is_told(gateway, backend, path):
    api = Api(gateway, name="domain", stage="prod")
    api.route("$connect", api.integration("HTTP_PROXY", f"{backend.url}{path}", RequestParameters={"integration.request.header.id": "context.connectionId"}))
    api.deploy()
    api.client.create_domain_name(
        DomainName="ws.example.com",
        DomainNameConfigurations=[{"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/x", "EndpointType": "REGIONAL"}],
    )
    api.client.create_api_mapping(DomainName="ws.example.com", ApiId=api.id, Stage="prod")
    with RawClient(gateway.port, "/", [("Host", "ws.example.com")]) as client:
        assert client.handshake.status == 101
        connection = backend.wait_for(path)[0].header("id")
        for target, status in ((f"/@connections/{connection}", 200), (f"/prod/@connections/{connection}", 404)):
            wire = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
            wire.request("POST", target, b"hello", {"Host": "ws.example.com"})
            answer = wire.getresponse()
            body = answer.read()
            assert answer.status == status, (target, body)
            if status == 404:
                expected = CASE["expected"]
                assert answer.getheader("x-amzn-ErrorType") == expected["x-amzn-ErrorType"]
                assert json.loads(body)["message"] == expected["body"]["message"].replace("ID", connection)
