"""The Helm chart: what it renders fits Kubernetes' schemas, and its times fit the gateway's.

Needs `helm-python-sdk` 0.2.2 and `kubernetes-validate` 1.37.0, which are large and not in requirements.txt: skipped without.
"""

from pathlib import Path

import pytest
import yaml

helm_python = pytest.importorskip("helm_python")
kubernetes_validate = pytest.importorskip("kubernetes_validate")

CHART = Path(__file__).parent.parent / "packaging/helm/gatewright"
ALL = {"autoscaling": {"enabled": True}, "serviceMonitor": {"enabled": True}, "credentialsSecret": "keys", "drainSeconds": 60}


def rendered(values):
    texts = helm_python.Chart.load(str(CHART)).render(values=values, name="gw")
    texts = [texts] if isinstance(texts, str) else texts.values()
    documents = [document for text in texts for document in yaml.safe_load_all(text) if document]
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


@pytest.mark.parametrize("mode", ["StatefulSet", "Deployment"])
@pytest.mark.parametrize("values", [{}, ALL], ids=["as-it-is", "all"])
def test_what_is_rendered_fits_the_schemas(mode, values):
    documents = rendered({**values, "mode": mode})
    assert ("PodDisruptionBudget", "gw") in documents
    assert (("HorizontalPodAutoscaler", "gw") in documents) == (("ServiceMonitor", "gw") in documents) == bool(values)
    for (kind, _), document in documents.items():
        if kind != "ServiceMonitor":
            kubernetes_validate.validate(document, "1.32", strict=True)
    pod = documents[mode, "gw"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > values.get("drainSeconds", 30)
