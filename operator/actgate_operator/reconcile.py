"""The one function that acts on a model: observe, decide, plan, apply, report.

It knows no history. It compares what is with what should be, and does what is missing; killed anywhere and
begun again, it ends in the same state. The model comes from the cache: a write to one that has changed
meanwhile is a conflict, after which the pass is made again. Every path that could judge the model ends in a
status; where the evidence is not known now, the status stays what it was, since nothing is known against it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from actgate.api.inference_log import LogMode
from actgate.kube.client import Cluster
from actgate.kube.errors import ClusterError, Conflict, NotFound
from actgate.kube.objects import Key, Object
from actgate.kube.resources import AUTOSCALERS, DEPLOYMENTS, MODEL_DEPLOYMENTS
from actgate.lookup.judge import SubjectJudge
from actgate_operator.apply import Applier
from actgate_operator.child import Child, read_child
from actgate_operator.children import Children
from actgate_operator.deadlines import Deadlines
from actgate_operator.desired import is_ours, is_suspended, log_mode, planned, stop_of
from actgate_operator.events import WARNING, Events, Note, transitions
from actgate_operator.held import held, held_replicas
from actgate_operator.in_sync import is_applied
from actgate_operator.model import UnusableModelError, judged
from actgate_operator.models import ModelCache
from actgate_operator.names import child_name
from actgate_operator.obstacles import ContestedError, RefusedError, TerminatingError
from actgate_operator.patience import Patience
from actgate_operator.plan import Plan, Recording
from actgate_operator.plan.recorder import OLDEST_KUBERNETES
from actgate_operator.pod_check import PodCheck
from actgate_operator.status import Judgement, Observation, Pass, condition_of, is_same, report
from actgate_operator.writer import Writer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What a model came to, for those who count."""

    outcome: str
    """Pass, Warn, Fail or Unknown."""
    ready: bool


class _ModelGoneError(Exception):
    """The model does not exist any more, although the cache has it."""


class Reconciler:
    """Reconciles models, each by one task at a time; several models may be under way."""

    def __init__(
        self,
        models: ModelCache,
        cluster: Cluster,
        writer: Writer,
        judge: SubjectJudge,
        children: Children,
        deadlines: Deadlines[Key],
        events: Events,
        wall: Callable[[], datetime],
        own_namespace: str,
        later: Callable[[Key, float], None] = lambda _key, _seconds: None,
        judged: Callable[[Key, str], None] = lambda _model, _manifest: None,
        recorder_image: str = "",
    ) -> None:
        self._models = models
        self._cluster = cluster
        self._writer = writer
        self._judge = judge
        self._children = children
        self._applier = Applier(cluster, writer, children)
        self._pods = PodCheck(cluster, writer, children)
        self._patience = Patience(children, wall, later)
        self._deadlines = deadlines
        self._events = events
        self._wall = wall
        self._own_namespace = own_namespace
        self._judged = judged
        self._recording = Recording(recorder_image)

    async def reconcile(self, key: Key) -> Report | None:
        """Make a model what it should be, and say what it is; None for one that is gone or going.

        Raises:
            ClusterError: Something was not done, and may be the next time; the status says so.
            EvidenceUnavailableError: The evidence is not known now.
            TerminatingError: Something has to be deleted first; the status says so.
            ContestedError: Another client keeps changing a child; the status says so.
            RefusedError: The API server forbids what it may allow later; the status says so.
        """
        model = self._models.get(key)
        if model is None or model["metadata"].get("deletionTimestamp"):
            # Its children need no hand when it goes: they follow by their owner references.
            self._deadlines.set(key, None)
            return None
        try:
            done = await self._act(key, model)
        except _ModelGoneError:
            self._deadlines.set(key, None)
            return None
        observed, former = done.observed, model.get("status") or {}
        status = report(observed, former, self._wall())
        if not is_same(status, former) and await self._write_status(key, model, status):
            for note in transitions(former, status):
                self._events.note(model, note)
        for change in done.repaired:
            self._events.note(model, Note(WARNING, "DriftCorrected", f"reverted: {change}"))
        if done.failure is not None:
            raise done.failure
        outcome = observed.judgement.verdict.outcome.value if observed.judgement is not None else "Unknown"
        return Report(outcome, condition_of(status, "Ready")["status"] == "True")

    async def _act(self, key: Key, model: Object) -> Pass:
        """Judge, plan and apply."""
        done = Pass(
            Observation(
                model["metadata"]["generation"],
                suspended=is_suspended(model),
                logging=log_mode(model),
                stop=stop_of(model),
            )
        )
        try:
            judgement = await judged(model, self._judge, self._own_namespace)
        except UnusableModelError as error:
            done.set_stalled(error.reason, error)
            await self._observe(key, model, self._running(key, model), done)
            return done
        self._judged(key, judgement.manifest_name)
        self._deadlines.set(key, judgement.verdict.valid_until)
        done.observed = replace(done.observed, judgement=judgement, violated=judgement.scale_to_zero)
        deployment = await self._run(key, model, judgement, done)
        await self._observe(key, model, deployment, done)
        return done

    def _running(self, key: Key, model: Object) -> Child | None:
        """Return the model's Deployment as it is known; not one that a former model left behind."""
        child = self._children.get(DEPLOYMENTS, (key[0], child_name(key[1])))
        return child if child is not None and is_ours(child, model) else None

    async def _found(self, key: Key, model: Object) -> Child | None:
        """Return the model's Deployment, also one whose labels were cut, so that no watch shows it."""
        if (known := self._running(key, model)) is not None:
            return known
        try:
            child = read_child(await self._cluster.get(DEPLOYMENTS, child_name(key[1]), key[0]))
        except NotFound:
            return None
        return child if is_ours(child, model) else None

    async def _run(self, key: Key, model: Object, judgement: Judgement, done: Pass) -> Child | None:
        """Bring the children to what the verdict allows, and note what stands in the way."""
        running, name, owner = self._running(key, model), child_name(key[1]), model["metadata"]["uid"]
        try:
            if running is None and not judgement.verdict.allowed:
                # Where the evidence holds an apply finds it, and gives it back its labels.
                running = await self._found(key, model)
            if running is not None and running.owner == owner and not running.selects:
                done.repaired.append(f"Deployment {name} was replaced by one with another selector")
                await self._applier.remove_impostor((key[0], name), running)
            wanted = planned(model, judgement, running, done, await self._recorder_for(model))
            if judgement.verdict.allowed:
                if wanted is None:
                    return running
                confirm = partial(self._check_exists, key, model)
                return await self._applier.converge(wanted, owner, done.repaired, confirm)
            return await self._hold(key, model, judgement, running, wanted, done)
        except RefusedError as error:
            done.set_stalled(error.reason, error)
            done.failure = error if error.forbidden else None
        except TerminatingError as error:
            done.set_retrying("WaitingForDeletion", error)
        except ContestedError as error:
            done.set_retrying("RepeatedDrift", error)
        except ClusterError as error:
            done.set_retrying("Retrying", error)
        return running

    async def _recorder_for(self, model: Object) -> Recording:
        """Return what a recorder takes; the API server is asked for its version until it is new enough."""
        known = self._recording.kubernetes
        if log_mode(model) == LogMode.RECORDER and (known is None or known < OLDEST_KUBERNETES):
            self._recording = replace(self._recording, kubernetes=await self._cluster.server_version())
        return self._recording

    async def _check_exists(self, key: Key, model: Object) -> None:
        """Return for a model that may have children made, or given back what they lost.

        Where children vanish or lose their owner, the model may be terminating, and kopf may not know it:
        the garbage collector is not to be worked against. A new model is written to right after.
        """
        if "observedGeneration" in (model.get("status") or {}):
            live = await self._models.fetch_live(key)
            metadata = live["metadata"] if live is not None else {}
            if metadata.get("uid") != model["metadata"]["uid"] or metadata.get("deletionTimestamp"):
                raise _ModelGoneError

    async def _hold(
        self,
        key: Key,
        model: Object,
        judgement: Judgement,
        running: Child | None,
        wanted: Plan | None,
        done: Pass,
    ) -> Child | None:
        """Keep what runs as it was accepted, and let no more of it run; see ``held``."""
        most, owner = held_replicas(model, running, zero=judgement.scale_to_zero), model["metadata"]["uid"]
        done.observed = replace(done.observed, held=most)
        if running is None:
            return None
        if wanted is not None and is_applied(running, wanted.deployment):
            confirm = partial(self._check_exists, key, model)
            return await self._applier.converge(held(wanted, most, running), owner, done.repaired, confirm)
        return await self._applier.hold((key[0], child_name(key[1])), running, most, owner)

    async def _observe(self, key: Key, model: Object, deployment: Child | None, done: Pass) -> None:
        child = (key[0], child_name(key[1]))
        rollout = deployment.rollout if deployment is not None else None
        checked = await self._pods.check(child, deployment, self._wall())
        done.repaired += checked.reverted
        done.failure = done.failure or checked.failure
        autoscaler = self._children.get(AUTOSCALERS, child)
        done.observed = replace(
            done.observed,
            rollout=rollout,
            growing=rollout is not None and self._patience.growing(key, rollout, model.get("status") or {}),
            running=checked.running,
            problem=checked.problem,
            autoscaled=autoscaler is not None,
            scaling=self._patience.scaling(key, autoscaler) if autoscaler is not None else None,
        )

    async def _write_status(self, key: Key, model: Object, status: Object) -> bool:
        """Write a status; return whether there still is a model that has it.

        Raises:
            ClusterError: A ``Conflict`` where the model has changed meanwhile; the cache has it then.
        """
        body = {
            "apiVersion": MODEL_DEPLOYMENTS.api_version,
            "kind": MODEL_DEPLOYMENTS.kind,
            "metadata": {
                "namespace": key[0],
                "name": key[1],
                # Another model may have taken the name, or this one was changed.
                "uid": model["metadata"]["uid"],
                "resourceVersion": model["metadata"]["resourceVersion"],
            },
            "status": status,
        }
        try:
            with self._models.asking(key):
                self._models.note(await self._writer.apply_status(MODEL_DEPLOYMENTS, body))
        except NotFound:
            await self._models.fetch_live(key)
            return False
        except Conflict:
            await self._models.fetch_live(key)
            raise
        return True
