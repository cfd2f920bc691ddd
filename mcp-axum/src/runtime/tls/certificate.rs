//! Whom a client's certificate is for.

use mcp_common::authenticator::ClientCertificate;
use std::time::{Duration, SystemTime};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

/// Names beyond these are not looked at.
const MOST: usize = 100;
/// A longer name stands in no rule.
const LONGEST: usize = 1024;

/// Of one whose signature was verified; `None` for one that cannot be read, which is then nobody's.
pub(crate) fn read(der: &[u8]) -> Option<ClientCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let mut names = Vec::new();
    let mut add = |kind: &str, name: &str| {
        let is_plain = !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control);
        if is_plain && names.len() < MOST {
            names.push(format!("{kind}:{name}"));
        }
    };
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::DNSName(name) => add("dns", name),
                GeneralName::URI(name) => add("uri", name),
                GeneralName::RFC822Name(name) => add("email", name),
                _ => {}
            }
        }
    }
    for name in subject.iter_common_name().filter_map(|name| name.as_str().ok()) {
        add("cn", name);
    }
    add("subject", &subject.to_string());
    let end = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
    Some(ClientCertificate {
        names: names.into(),
        end: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end))?,
    })
}
