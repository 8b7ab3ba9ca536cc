"""Every host fetches from the origin with curl: what a fleet does today."""

from __future__ import annotations

from lab.processes import Barrier, wait_for_exits
from lab.site import Site, Way


class DirectNginx(Way):
    name = "every host from nginx"

    def prepare(self, site: Site) -> None:
        self._barrier = Barrier()
        self._running = {
            index: start_curl(site, index, site.origin.url("image.bin"), self._barrier)
            for index in range(site.hosts)}

    def release(self, site: Site) -> None:
        self._barrier.release()

    def wait(self, site: Site, deadline: float) -> dict[int, float]:
        ended = wait_for_exits(self._running, deadline)
        return {index: at for index, at in ended.items() if self._running[index].returncode == 0}

    def stop(self, site: Site) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def received(self, site: Site) -> dict[int, int]:
        return {index: fetched(site, index).stat().st_size for index in range(site.hosts)
                if fetched(site, index).exists()}

    def is_whole(self, site: Site, host: int) -> bool:
        return site.is_image(fetched(site, host))


def fetched(site: Site, index: int):
    return site.host_folder(index) / "image.bin"


def start_curl(site: Site, index: int, url: str, barrier: Barrier | None = None):
    """curl on one host, at once or behind the barrier."""
    argv = ["curl", "--silent", "--show-error", "--fail", "--output", fetched(site, index), url]
    return site.processes.start(
        Barrier.behind(argv) if barrier else argv, namespace=site.network.host(index),
        log=f"curl-{index}", **({"stdin": barrier.waiting_end} if barrier else {}))
