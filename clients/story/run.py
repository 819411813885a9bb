"""Runs many stories at once: one program for all with the same settings, a few threads, each story's outcome on demand."""

import threading
from concurrent.futures import ThreadPoolExecutor

from harness.backend import Backend
from harness.gateway import Gateway

from .pattern import fill
from .play import Failed, Play

# Most of a story is waiting for processes that share two cores with it; more threads only fill the log.
THREADS = 6
# How long a step of a story that must fail waits for what will not come, in seconds.
IMPATIENCE = 2.0


class Stage:
    """Where the stories play: programs by their settings, one backend."""

    def __init__(self, folder):
        self.folder = folder
        self.backend = Backend()
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
            Play(story, self._gateway(story.settings), self.backend, IMPATIENCE).run()
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
                names = {"backendHost": f"127.0.0.1:{self.backend.port}"}
                options = [fill(option, names) for option in settings.options]
                if settings.file:
                    file = folder / "gatewright.toml"
                    file.write_text(fill(settings.file, names), "utf-8")
                    options += ["--config", str(file)]
                self.gateways[settings] = Gateway(folder / "data", *options)
            return self.gateways[settings]

    def _play(self, story):
        Play(story, self._gateway(story.settings), self.backend).run()

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
        assert not failures, "\n\n".join(failures)
