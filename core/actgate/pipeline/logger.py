"""The governance logger: a training pipeline states its evidence and writes it to a file.

    logger = EUAIActGovernanceLogger("CreditRiskScorer-v2", "HIGH_RISK")
    logger.log_bias_check(0.03)
    logger.export_compliance_manifest("model_compliance_manifest.json")

These calls write the v0 file. A pipeline that states more (attributes, groups, digests, oversight by name)
exports a ComplianceManifest, which has a place for it: ``version="v1"``, or a file named ``.yaml``.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from actgate.api.base import Model
from actgate.api.canonical import sha256
from actgate.api.compliance_manifest import (
    Approval,
    AssessedModel,
    BiasMeasurement,
    Classification,
    Dataset,
    Evaluation,
    HumanOversight,
    Lineage,
    Metric,
    Training,
    Validity,
)
from actgate.api.quoting import got, invalid
from actgate.decision.rules import counts
from actgate.documents import writing
from actgate.manifests import naming, v0
from actgate.manifests.convert import read_document
from actgate.manifests.errors import EvidenceError, UnreadableError
from actgate.pipeline import declared
from actgate.pipeline.statement import (
    Statement,
    agreed,
    as_v0,
    as_v1,
    metric_named,
    number,
    part,
)


class EUAIActGovernanceLogger:
    """Collects one model's evidence during training, and exports it as a compliance manifest.

    Args:
        model_name: Name of the model; a version at its end, as in ``CreditRiskScorer-v2``, is read off.
        risk_category: HIGH_RISK, LIMITED_RISK, MINIMAL_RISK or PROHIBITED.
        human_oversight: Whether human oversight is in place. Without it the environment variable
            ACTGATE_HUMAN_OVERSIGHT says so.
        training_regions: Every region in which training data is processed. Without it the environment
            says so: ACTGATE_TRAINING_REGION, AWS_REGION or AWS_DEFAULT_REGION.
        finished_at: End of the training run, with a zone; the moment of export when it is None.

    Raises:
        EvidenceError: When one of them cannot be evidence.
    """

    def __init__(
        self,
        model_name: str,
        risk_category: str,
        *,
        human_oversight: bool | None = None,
        training_regions: declared.StatedRegions | None = None,
        finished_at: datetime | str | None = None,
    ) -> None:
        category = v0.category(risk_category)
        if category is None:
            supported = "HIGH_RISK, LIMITED_RISK, MINIMAL_RISK, PROHIBITED"
            raise EvidenceError(
                f"risk_category: Unsupported value: {got(risk_category)}: supported values: {supported}"
            )
        enabled = declared.oversight(human_oversight, os.environ)
        self._statement = Statement(
            model_name=model_name,
            risk_category=risk_category,
            category=category,
            model=_model(model_name),
            finished_at=part(Training, "training", finished_at=finished_at).finished_at,
            regions=declared.regions(training_regions, os.environ),
            oversight=None if enabled is None else HumanOversight(enabled=enabled),
        )
        self._exported: tuple[Path, datetime] | None = None
        """The last file that was exported, and the end of training that it states."""
        self._has_counts = False
        """Whether something was recorded that only a ComplianceManifest has a place for."""

    def log_bias_check(
        self,
        parity_difference: float,
        threshold: float = 0.05,
        *,
        attribute: str | None = None,
        metric: str = Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,
        groups: Sequence[Mapping[str, Any]] | None = None,
        reference_group: str | None = None,
        library: str | None = None,
        plan_digest: str | None = None,
    ) -> bool:
        """Record a difference between groups and return whether its absolute value is within the limit.

        Where the groups have the counts of the metric, what they say is held against the limit. A later
        check of the same attribute and metric replaces the earlier one.

        Args:
            parity_difference: Measured difference, -1 to 1; its sign only says who is at a disadvantage.
            threshold: Largest absolute value that the pipeline accepts, 0 to 1.
            attribute: Protected attribute, such as gender.
            metric: One of the difference metrics of a ComplianceManifest.
            groups: The groups compared, each with name and count, and as far as they are known selection_rate
                and the counts selected, positives, true_positives and false_positives.
            reference_group: Name of the group that a directional metric compares the others with.
            library: Library and version that computed it.
            plan_digest: What ``actgate plan`` printed, where a plan fixed this measurement and its limit.

        Raises:
            EvidenceError: When a number is NaN, infinite, out of range or no number at all, or the groups
                contradict it: one is empty or stated twice, or their counts or selection rates say another
                value.
        """
        value = number("parity_difference", parity_difference, -1, 1)
        limit = number("threshold", threshold, 0, 1)
        return self._measured(
            metric_named(metric, ratio=False),
            value,
            limit,
            attribute=attribute,
            groups=groups,
            reference_group=reference_group,
            library=library,
            plan_digest=plan_digest,
        )

    def log_bias_ratio(
        self,
        ratio: float,
        threshold: float = 0.8,
        *,
        attribute: str | None = None,
        metric: str = Metric.DEMOGRAPHIC_PARITY_RATIO,
        groups: Sequence[Mapping[str, Any]] | None = None,
        reference_group: str | None = None,
        library: str | None = None,
        plan_digest: str | None = None,
    ) -> bool:
        """Record a ratio between groups and return whether it and its reciprocal reach the limit.

        The arguments are those of ``log_bias_check``, with a ratio from 0 upwards.

        Raises:
            EvidenceError: As ``log_bias_check`` does.
        """
        value = number("ratio", ratio, 0, math.inf)
        limit = number("threshold", threshold, 0, 1)
        return self._measured(
            metric_named(metric, ratio=True),
            value,
            limit,
            attribute=attribute,
            groups=groups,
            reference_group=reference_group,
            library=library,
            plan_digest=plan_digest,
        )

    def audit(
        self,
        y_true: Iterable[object],
        y_pred: Iterable[object],
        groups: Any,  # noqa: ANN401 - a mapping, a data frame or one column
        *,
        attribute: str | None = None,
        by: Iterable[str | Sequence[str]] | None = None,
        metrics: Sequence[str] | Mapping[str, float] = (Metric.DEMOGRAPHIC_PARITY_DIFFERENCE,),
        positive: object = None,
        reference_groups: Mapping[str, str] | None = None,
        nulls: Literal["refuse", "drop"] = "refuse",
        confidence: float = 0.0,
        dataset_digest: str | None = None,
        plan_digest: str | None = None,
    ) -> bool:
        """Count predictions, record bias with the counts behind it, and return whether all limits hold.

        The export is then a ComplianceManifest by default, since v0 has no place for counts. Columns are
        lists, arrays, or columns of a data frame, all of one length.

        Args:
            y_true: The right results, each 0 or 1, false or true; any values where ``positive`` is given.
            y_pred: The model's decisions, in the same way; scores are no decisions.
            groups: The protected attributes: a mapping of names to columns, a data frame, or one column.
            attribute: Name of the attribute where ``groups`` is a column without a name.
            by: What is compared, such as ``["sex", "sex,race"]``; each attribute by default.
            metrics: Names of metrics, or each with its limit; those of the built-in baseline by default.
            positive: The favourable value, where it is not 1 or true.
            reference_groups: For each attribute the group that directional metrics compare the others with.
            nulls: ``refuse`` rows without a value (None, NaN or blank), or ``drop`` them and record how many.
            confidence: With which every limit has to hold; 0 asks for the value alone.
            dataset_digest: SHA-256 of the data, ``sha256:<64 hex digits>``.
            plan_digest: What ``actgate plan`` printed.

        Raises:
            EvidenceError: When the columns cannot be audited: a line for each reason, with numbers of rows
                and never a value of them. Nothing was recorded.
        """
        from actgate.pipeline.audit import in_memory

        stated, checks, holds = in_memory.measured(
            y_true,
            y_pred,
            groups,
            name=attribute,
            by=by,
            metrics=metrics,
            positive=positive,
            references=reference_groups or {},
            nulls=nulls,
            confidence=number("confidence", confidence, 0, 0.9999),
            dataset=dataset_digest,
            plan=plan_digest,
        )
        for one in stated:
            self._statement.bias[one.attribute, one.metric] = one
        self._statement.details["data_quality"] = checks
        self._has_counts = True
        return holds

    def log_model(
        self,
        *,
        version: str | None = None,
        digest: str | None = None,
        images: Sequence[str] | None = None,
        path: str | os.PathLike[str] | None = None,
        ignore: Sequence[str] = (),
    ) -> None:
        """Bind the evidence to the model's bytes: its SHA-256, or images by digest.

        Args:
            version: Version of the model.
            digest: Digest of the model, where something else computed it.
            images: Images by digest that serve the model.
            path: The model, a directory or a file, of which the digest is taken as OpenSSF Model Signing
                does; in place of ``digest``.
            ignore: Paths in the directory that are not part of the model.

        Raises:
            EvidenceError: When there is no digest of the path, or both are given.
        """
        if path is not None and digest is not None:
            raise EvidenceError("digest: Forbidden: must be absent beside path, of which it is taken")
        digests = {"digest": digest} if path is None else _digests(path, ignore)
        self._statement.model = _model(self._statement.model_name, version=version, images=images, **digests)

    def log_human_oversight(
        self,
        enabled: bool,
        *,
        role: str | None = None,
        contact: str | None = None,
        override: str | None = None,
        stop: str | None = None,
    ) -> None:
        """Record who oversees the system, and how they override and stop it; AI Act Art. 14."""
        self._statement.oversight = part(
            HumanOversight,
            "humanOversight",
            enabled=enabled,
            role=role,
            contact=contact,
            override=override,
            stop=stop,
        )

    def log_classification(
        self,
        *,
        basis: str | None = None,
        profiling: bool | None = None,
        rationale: str | None = None,
        assessed_by: str | None = None,
        assessed_at: datetime | str | None = None,
    ) -> None:
        """Record why the system is in its risk category; AI Act Art. 6."""
        self._statement.details["classification"] = part(
            Classification,
            "classification",
            basis=basis,
            profiling=profiling,
            rationale=rationale,
            assessed_by=assessed_by,
            assessed_at=assessed_at,
        )

    def log_dataset(
        self,
        name: str,
        *,
        version: str | None = None,
        digest: str | None = None,
        licence: str | None = None,
    ) -> None:
        """Record data that trained, validated or tested the model; AI Act Art. 10."""
        self._add("datasets", Dataset, name=name, version=version, digest=digest, license=licence)

    def log_evaluation(
        self,
        kind: str,
        *,
        metric: str | None = None,
        value: float | None = None,
        comparator: str | None = None,
        threshold: float | None = None,
        plan_digest: str | None = None,
        report_digest: str | None = None,
    ) -> None:
        """Record a test of accuracy, robustness or cybersecurity; AI Act Art. 15.

        Args:
            kind: What was tested, such as robustness.
            metric: Name of the metric.
            value: Measured value.
            comparator: How the value has to stand to the threshold: ``<=``, ``>=``, ``<`` or ``>``.
            threshold: Limit that was set before the test ran.
            plan_digest: What ``actgate plan`` printed, where a plan fixed this test and its threshold.
            report_digest: SHA-256 of the full report, ``sha256:<64 hex digits>``.

        Raises:
            EvidenceError: When one of them has the wrong type or range.
        """
        self._add(
            "evaluations",
            Evaluation,
            kind=kind,
            metric=metric,
            value=None if value is None else number("value", value, -math.inf, math.inf),
            comparator=comparator,
            plan_digest=plan_digest,
            threshold=None if threshold is None else number("threshold", threshold, -math.inf, math.inf),
            report_digest=report_digest,
        )

    def log_lineage(
        self,
        *,
        code_commit: str | None = None,
        run_id: str | None = None,
        base_models: Sequence[str] | None = None,
    ) -> None:
        """Record where the model comes from."""
        self._statement.details["lineage"] = part(
            Lineage,
            "lineage",
            code_commit=code_commit,
            run_id=run_id,
            base_models=base_models,
        )

    def log_validity(
        self, *, not_before: datetime | str | None = None, not_after: datetime | str | None = None
    ) -> None:
        """Record the period in which the evidence counts, its end excluded."""
        self._statement.details["validity"] = part(
            Validity, "validity", not_before=not_before, not_after=not_after
        )

    def log_approval(self, role: str, by: str, at: datetime | str) -> None:
        """Record a human decision on this evidence."""
        self._add("approvals", Approval, role=role, by=by, at=at)

    def export_compliance_manifest(
        self, filepath: str | os.PathLike[str], version: Literal["v0", "v1"] | None = None
    ) -> None:
        """Write the evidence to a file, whole or not at all.

        Args:
            filepath: The file; a name that ends in .yaml or .yml is written as YAML.
            version: ``v0`` or ``v1``. When it is None, v1 for YAML and after an audit, and v0 for any other
                file.

        Raises:
            EvidenceError: When no bias check was recorded, something cannot be evidence, or v0 has no
                place for what was recorded. Nothing was written.
            OSError: When the file cannot be written; one that was there before is as it was.
        """
        path = Path(filepath)
        as_yaml = path.suffix.lower() in (".yaml", ".yml")
        if not self._statement.bias:
            raise EvidenceError("no bias check was recorded: call log_bias_check before the export")
        chosen = version or ("v1" if as_yaml or self._has_counts else "v0")
        if chosen not in ("v0", "v1"):
            raise EvidenceError(f"version: Unsupported value: {got(version)}: supported values: v0, v1")
        moment = self._statement.finished_at or datetime.now(UTC)
        statement = self._at(moment)
        document = as_v1(statement) if chosen == "v1" else as_v0(statement)
        _require_sound(document)
        writing.write_whole(path, writing.to_yaml(document) if as_yaml else writing.to_json(document))
        self._exported = path, moment

    def attest(
        self,
        key: str | os.PathLike[str],
        filepath: str | os.PathLike[str] | None = None,
        *,
        chain: str | os.PathLike[str] | None = None,
        password: str | None = None,
        name: str = "training",
    ) -> str:
        """Sign all of the evidence, and write it as a ComplianceManifest with the signed statement.

        A file that was exported before stays as it is; the signed one says the same of what both can say.
        What was not declared is left out, and never signed as assumed.

        Args:
            key: File of a private key in PEM, as openssl or cosign makes it.
            filepath: The file; without it the one that was exported, with ``.signed.yaml`` at its end.
            chain: File of certificates that speak for the key, the signer's own first.
            password: Password of the key; without it that of the environment, ACTGATE_KEY_PASSWORD.
            name: Name of the attestation.

        Returns:
            ``sha256:<64 hex digits>`` of the signed payload.

        Raises:
            EvidenceError: When the evidence names no model by digest, no bias check was recorded, or the key
                cannot be used. Nothing was written.
            OSError: When a file cannot be read or written.
        """
        from actgate.pipeline import signing

        if not self._statement.bias:
            raise EvidenceError("no bias check was recorded: call log_bias_check before the export")
        path, moment = self._beside(filepath)
        who = signing.signer_of_files(key, chain, lambda: _password(password))
        document, payload = signing.attested(as_v1(self._at(moment)), who, name)
        _require_sound(document)
        as_json = path.suffix.lower() == ".json"
        writing.write_whole(path, writing.to_json(document) if as_json else writing.to_yaml(document))
        return sha256(payload)

    def _beside(self, filepath: str | os.PathLike[str] | None) -> tuple[Path, datetime]:
        """Return where a signed manifest goes, and the end of training that a file exported before states."""
        if self._exported is not None:
            path, moment = self._exported
            return Path(filepath or path.with_suffix(".signed.yaml")), moment
        if filepath is None:
            raise EvidenceError("filepath: Required value: must name a file, since none was exported before")
        return Path(filepath), datetime.now(UTC)

    def _at(self, moment: datetime) -> Statement:
        """Return what was stated, the training run ended at this moment where no other is stated."""
        return replace(self._statement, finished_at=self._statement.finished_at or moment)

    def _measured(self, metric: Metric, value: float, threshold: float, **details: object) -> bool:
        """Record a measurement and its verdict, and return whether it holds the limit."""
        stated = part(BiasMeasurement, "bias", metric=metric, value=value, threshold=threshold, **details)
        holds = agreed(stated, threshold)
        self._statement.bias[stated.attribute, metric] = stated.model_copy(update={"compliant": holds})
        return holds

    def _add(self, field: str, model: type[Model], **fields: object) -> None:
        self._statement.details.setdefault(field, []).append(part(model, field, **fields))


def _require_sound(document: Mapping[str, Any]) -> None:
    manifest = read_document(document)
    if manifest.problems:
        raise UnreadableError(manifest.problems)
    if repeated := [*counts.repetitions(manifest.bias)]:
        raise EvidenceError("\n".join(repeated))


def _digests(path: str | os.PathLike[str], ignore: Sequence[str]) -> dict[str, str | None]:
    from actgate.pipeline import model_digest

    found = model_digest.of_model(path, None, ignore)
    return {
        "digest": found.digest,
        "digest_domain": found.domain.value,
        "resources_digest": found.resources_digest,
    }


def _password(given: str | None) -> bytes:
    from actgate.pipeline import private_keys

    return private_keys.password_from(os.environ) if given is None else given.encode()


def _model(model_name: object, version: str | None = None, **fields: object) -> AssessedModel:
    """Return the model, its name split unless another version is stated beside it."""
    if not isinstance(model_name, str) or not model_name.strip():
        raise EvidenceError(f"model_name: {invalid(model_name, 'the name of the model')}")
    name, at_end = naming.split_version(model_name)
    if version in (None, at_end):
        return part(AssessedModel, "model", name=name, version=at_end, **fields)
    return part(AssessedModel, "model", name=model_name, version=version, **fields)
