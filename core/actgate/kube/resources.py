"""The kinds that actgate reads and writes, and where the API server keeps them.

A `Resource` knows its own URLs. Names go into a path only after they were checked, so that a name
from a user's manifest can never point at another object.
"""

from dataclasses import dataclass

from actgate.api.names import is_namespace_name, is_object_name
from actgate.kube.errors import Invalid


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind in one version: `plural` is its name in URLs, `kind` its name in objects."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What objects of this kind carry as `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def collection(self, namespace: str | None = None) -> str:
        """Return the path of all objects, or of those in one namespace.

        Raises `Invalid` for a name that no namespace can have.
        """
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        if namespace is None:
            return f"{root}/{self.plural}"
        if not self.namespaced:
            raise ValueError(f"{self} live outside namespaces, {namespace!r} was given")
        if not is_namespace_name(namespace):
            raise Invalid(f"{namespace[:80]!r} cannot be the name of a namespace: {_RULE}")
        return f"{root}/namespaces/{namespace}/{self.plural}"

    def item(self, name: str, namespace: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, or of its `status` or `scale`.

        Raises `Invalid` for a name that no object can have.
        """
        if self.namespaced and namespace is None:
            raise ValueError(f"{self} live in namespaces, none was given for {name!r}")
        collection = self.collection(namespace)
        if not is_object_name(name):
            raise Invalid(f"{name[:80]!r} cannot be the name of a {self.kind}: {_RULE}")
        path = f"{collection}/{name}"
        return f"{path}/{subresource}" if subresource else path


_RULE = "use lower-case letters, digits and '-', starting and ending with a letter or a digit"

COMPLIANCE_MANIFESTS = Resource("actgate.dev", "v1alpha1", "compliancemanifests", "ComplianceManifest")
COMPLIANCE_POLICIES = Resource(
    "actgate.dev", "v1alpha1", "compliancepolicies", "CompliancePolicy", namespaced=False
)
EXEMPTIONS = Resource("actgate.dev", "v1alpha1", "exemptions", "Exemption", namespaced=False)
MODEL_DEPLOYMENTS = Resource("actgate.dev", "v1alpha1", "modeldeployments", "ModelDeployment")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
SERVICES = Resource("", "v1", "services", "Service")
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
PODS = Resource("", "v1", "pods", "Pod")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
SECRETS = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
VALIDATING_WEBHOOK_CONFIGURATIONS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)
