"""`/_metrics` as Prometheus reads it."""

import re
import urllib.request

from .until import PATIENCE

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Metrics:
    """One reading: every sample by name and labels. Fails on a line that Prometheus would not take."""

    def __init__(self, url):
        with urllib.request.urlopen(url + "/_metrics", timeout=PATIENCE) as answer:
            self.content_type = answer.headers["Content-Type"]
            self.text = answer.read().decode("utf-8")
        assert self.text.endswith("\n")
        self.samples = {}
        self.families = {}
        family = None
        for line in self.text.splitlines():
            if line.startswith("# HELP "):
                _, _, family, _ = line.split(" ", 3)
                assert family not in self.families, f"{family} begins twice"
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name == family and kind in ("counter", "gauge", "histogram"), line
                self.families[name] = kind
            else:
                name, labels, value = SAMPLE.match(line).groups()
                assert re.sub("_(bucket|sum|count)$", "", name) == family or name == family, f"{name} in {family}"
                pairs = LABEL.findall(labels or "")
                assert ",".join(f'{label}="{text}"' for label, text in pairs) == (labels or ""), line
                key = (name, frozenset(pairs))
                assert key not in self.samples, f"twice: {line}"
                self.samples[key] = float(value)

    def get(self, name, **labels):
        """The value of one sample; None where it is not there."""
        return self.samples.get((name, frozenset(labels.items())))

    def named(self, name):
        """The labels of every sample of that name, each as a dict."""
        return [dict(labels) for other, labels in self.samples if other == name]
