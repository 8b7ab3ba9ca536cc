"""One master fetches the whole image, then serves it with nginx (R2.5 taken literally)."""

from __future__ import annotations

from lab.network import host_address
from lab.origin import Nginx
from lab.peers.direct_nginx import fetched, start_curl
from lab.processes import Barrier, wait_for_exits
from lab.site import Site, Way

MASTER = 0


class StoreAndForward(Way):
    name = "master by curl, then nginx on the master"

    def prepare(self, site: Site) -> None:
        self._server = Nginx(site.network.host(MASTER), host_address(MASTER),
                             site.host_folder(MASTER), site.host_folder(MASTER) / "nginx")
        self._server_process = self._server.start(site.processes)
        self._barrier = Barrier()
        self._running = {MASTER: start_curl(site, MASTER, site.origin.url("image.bin"),
                                            self._barrier)}
        self._slaves_barrier = Barrier()
        self._slaves = {
            index: start_curl(site, index, self._server.url("image.bin"), self._slaves_barrier)
            for index in range(site.hosts) if index != MASTER}

    def release(self, site: Site) -> None:
        self._barrier.release()

    def wait(self, site: Site, deadline: float) -> dict[int, float]:
        finished = wait_for_exits(self._running, deadline)
        self._slaves_barrier.release()
        if finished:
            finished |= wait_for_exits(self._slaves, deadline)
        everyone = self._running | self._slaves
        return {index: at for index, at in finished.items() if everyone[index].returncode == 0}

    def stop(self, site: Site) -> None:
        for process in [*self._running.values(), *self._slaves.values(), self._server_process]:
            process.kill()
            process.wait()

    def received(self, site: Site) -> dict[int, int]:
        return {index: fetched(site, index).stat().st_size for index in range(site.hosts)
                if fetched(site, index).exists()}

    def is_whole(self, site: Site, host: int) -> bool:
        return site.is_image(fetched(site, host))
