//! What a platform tells a machine about who it is. Whoever holds it is the machine towards the cluster or the cloud, so no
//! definition sends it anywhere, whatever the configuration says.

use std::path::{Component, Path};

pub(super) const REFUSAL: &str =
    "is never read: it says who the machine is, which no configuration lets definitions use";

/// Folders in which platforms put identities, by their last parts: containers see `/run` also as `/var/run`, and
/// deployments mount one machine's folders into another.
const FOLDERS: [&[&str]; 11] = [
    // The service account of a pod.
    &["secrets", "kubernetes.io"],
    // Amazon EKS: roles for service accounts, pod identities; the same by other installers.
    &["secrets", "eks.amazonaws.com"],
    &["secrets", "pods.eks.amazonaws.com"],
    &["secrets", "sts.amazonaws.com"],
    // Azure workload identity.
    &["secrets", "azure"],
    &["azure", "tokens"],
    // Projected tokens of service accounts: Istio, Google Cloud fleets.
    &["secrets", "tokens"],
    &["run", "service-account"],
    // OpenShift's cloud credentials.
    &["secrets", "openshift"],
    // SPIFFE identities of a mesh.
    &["secrets", "workload-spiffe-credentials"],
    &["secrets", "workload-spiffe-uds"],
];

/// What the system says of itself and its processes, environments with keys among it.
const SYSTEM: [&str; 2] = ["proc", "sys"];

/// How names of variables begin by which platforms hand identities over.
const FAMILIES: [&str; 11] = [
    "AWS_",
    "AZURE_",
    "ECS_",
    "GOOGLE_",
    "IDENTITY_",
    "KUBERNETES_",
    "MSI_",
    "NOMAD_",
    "OCI_",
    "SPIFFE_",
    "VAULT_",
];

/// Whether a file or folder at this path is an identity of the platform.
pub fn holds_identity(path: &Path) -> bool {
    let names: Vec<&str> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let is_system = path.is_absolute() && names.first().is_some_and(|first| SYSTEM.contains(first));
    is_system
        || FOLDERS
            .iter()
            .any(|folder| names.windows(folder.len()).any(|part| part == *folder))
}

/// The beginning of the name, if platforms hand identities over so.
pub(super) fn family(name: &str) -> Option<&'static str> {
    FAMILIES.into_iter().find(|family| name.starts_with(family))
}
