"""Runs many stories at once: one program for all with the same settings, a few threads, each story's outcome on demand."""

import threading
from concurrent.futures import ThreadPoolExecutor

from harness.backend import Backend
from harness.gateway import Gateway
from harness.until import PATIENCE

from .pattern import fill
from .play import Failed, Play

# Most of a story is waiting for processes that share two cores with it; more threads only fill the log.
THREADS = 6
# How long a step of a story that must fail waits for what will not come, in seconds.
IMPATIENCE = 2.0


class Stage:
    """Where the stories play: programs by their settings, one backend, AWS's services as moto plays them."""

    def __init__(self, folder):
        self.folder = folder
        self.backend = Backend()
        # Begun by the first story that wants it: it takes a second.
        self.services = None
        self.gateways = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="story")
        self._outcomes = {}

    def begin(self, stories):
        """Starts to play, in this order."""
        for story in stories:
            self._outcomes[story.name] = self._pool.submit(self._play, story)

    def failures(self, mutants):
        """What became of stories that must fail, as [`mutants.of`] gives them: those that did not, or elsewhere."""
        ended = self._pool.map(self._mutant, mutants)
        return [text for text in ended if text is not None]

    def _mutant(self, mutant):
        story, step = mutant
        try:
            self._play(story, IMPATIENCE)
        except Failed as failure:
            at_its_step = f"step {step} (" in str(failure)
            return None if at_its_step else f"{story.name} failed elsewhere: {failure}"
        return f"{story.name} does not fail with {story.steps[step - 1]}"

    def outcome(self, story):
        """Waits for a story's end; raises what went wrong in it."""
        return self._outcomes[story.name].result()

    def _gateway(self, settings):
        with self._lock:
            if settings not in self.gateways:
                folder = self.folder / f"program-{len(self.gateways)}"
                folder.mkdir()
                names, environment = {"backendHost": f"127.0.0.1:{self.backend.port}"}, None
                options = [fill(option, names) for option in settings.options]
                if settings.services:
                    # Most stories do without what it needs.
                    from harness.services import ENVIRONMENT, KEY, SECRET, Services

                    self.services = self.services or Services(**{KEY: SECRET})
                    options += ["--aws-endpoint", self.services.url]
                    environment = ENVIRONMENT
                if settings.file:
                    file = folder / "gatewright.toml"
                    file.write_text(fill(settings.file, names), "utf-8")
                    options += ["--config", str(file)]
                self.gateways[settings] = Gateway(folder / "data", *options, environment=environment)
            return self.gateways[settings]

    def _play(self, story, patience=PATIENCE):
        gateway = self._gateway(story.settings)
        services = self.services if story.settings.services else None
        Play(story, gateway, self.backend, services, patience).run()

    def end(self):
        """Stops everything, and fails if a program did not stop cleanly or panicked."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for gateway in self.gateways.values():
            gateway.ask_to_stop()
        failures = []
        for gateway in self.gateways.values():
            try:
                gateway.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        self.backend.stop()
        if self.services:
            self.services.stop()
        assert not failures, "\n\n".join(failures)
