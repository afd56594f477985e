"""A batch from its order to its sealed folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add

from lrp_audit.batch.events import Event, Kind, Watch
from lrp_audit.batch.executors import Executor, Stop
from lrp_audit.batch.finishing.finish import finish
from lrp_audit.batch.lock import locked
from lrp_audit.batch.merge import merge
from lrp_audit.batch.order import Order, planned, read_groups, setup
from lrp_audit.batch.plan import Plan
from lrp_audit.batch.store import finished
from lrp_audit.batch.tally import Tally
from lrp_audit.batch.work import Setup
from lrp_audit.deciding.session import Session
from lrp_audit.sealing.seal import ManifestSigner, seal


@dataclass(frozen=True)
class Ended:
    """How a run ended. `root` is None where it was told to stop before its end; `earlier`: it was done before."""

    plan: Plan
    tally: Tally
    root: str | None
    earlier: bool = False


def run(
    order: Order,
    executor: Callable[[Setup, Session], Executor],
    watch: Watch,
    stop: Stop,
    signer: ManifestSigner | None = None,
) -> Ended:
    """Begin a batch or go on with it, and seal it when all of it is done.

    Args:
        order: what is wanted.
        executor: makes the one that works on the chunks.
        watch: is told what happens.
        stop: asked before every chunk whether the run is to end there.
        signer: signs the manifest.

    Raises:
        LrpAuditError: it cannot begin or go on; what is finished stays finished.
    """
    with locked(order.out):
        plan, session = planned(order)
        if session is None:
            manifest = seal(order.out, signer=signer)
            counts = manifest.counts
            tally = Tally(rows=counts.decisions, failed=counts.failed, refused=counts.refused)
            return Ended(plan, tally, manifest.root, earlier=True)
        done = finished(order.out, plan.chunks)
        tally = reduce(add, done.values(), Tally())

        def tell(kind: Kind, chunk: int | None = None, root: str | None = None) -> None:
            watch(Event(kind, plan.decisions, tally, chunk, root))

        tell("begun")
        waiting = [number for number in range(plan.chunks) if number not in done]
        for number, found in executor(setup(order, plan), session).run(waiting, stop) if waiting else ():
            done[number] = found
            tally += found
            tell("chunk", number)
        if len(done) < plan.chunks:
            tell("interrupted")
            return Ended(plan, tally, None)
        tell("sealing")
        merge(order.out, plan.chunks)
        named = None if signer is None else signer.signs_as.signer
        finish(order.out, plan, session.config, signer=named, groups=read_groups(order, session.config))
        manifest = seal(order.out, previous_root=plan.previous_root, signer=signer)
        tell("sealed", root=manifest.root)
        return Ended(plan, tally, manifest.root)
