//! Whom a client's certificate is for.

use mcp_common::authenticator::ClientCertificate;
use std::time::{Duration, SystemTime};
use x509_parser::{
    extensions::GeneralName,
    objects::{oid_registry, oid2abbrev},
    prelude::{FromDer, X509Certificate},
    x509::{AttributeTypeAndValue, X509Name},
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
    if let Some(whole) = written(subject) {
        add("subject", &whole);
    }
    let end = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default();
    Some(ClientCertificate {
        names: names.into(),
        end: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end))?,
    })
}

/// `CN=billing,O=acme`, in the order of the certificate. `None` where a value could be read as several parts: a rule about another subject
/// would fit it.
fn written(subject: &X509Name<'_>) -> Option<String> {
    let of_step = |parts: Vec<String>| parts.join("+");
    let steps = subject.iter_rdn().map(|step| {
        let parts: Option<Vec<String>> = step.iter().map(part).collect();
        parts.map(of_step)
    });
    let steps: Option<Vec<String>> = steps.collect();
    steps.map(|steps| steps.join(","))
}

fn part(part: &AttributeTypeAndValue<'_>) -> Option<String> {
    let value = part.as_str().ok()?;
    let is_plain = !value.is_empty() && !value.contains(|c: char| c.is_control() || ",=+".contains(c));
    let kind = part.attr_type();
    let kind = match oid2abbrev(kind, oid_registry()) {
        Ok(name) => name.to_owned(),
        Err(_) => kind.to_id_string(),
    };
    is_plain.then(|| format!("{kind}={value}"))
}

#[cfg(test)]
mod tests {
    use super::read;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    /// The names of a certificate whose subject has these parts.
    fn names(parts: &[(DnType, &str)]) -> Vec<String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        read(certificate.der()).unwrap().names.to_vec()
    }

    #[test]
    fn the_whole_subject_is_what_rules_write() {
        let parts = [
            (DnType::CommonName, "billing"),
            (DnType::OrganizationName, "acme inc."),
            (DnType::CountryName, "DE"),
        ];
        let expected = ["cn:billing", "subject:CN=billing,O=acme inc.,C=DE"];
        assert_eq!(names(&parts), expected);
    }

    #[test]
    fn a_value_that_could_be_several_parts_makes_no_subject() {
        for value in [
            "billing,O=acme",
            "billing, O=acme",
            "billing+O=acme",
            "a=b",
            "a,b",
            "billing\nO=acme",
        ] {
            let names = names(&[(DnType::CommonName, value)]);
            let is_subject = |name: &String| name.starts_with("subject:");
            assert!(!names.iter().any(is_subject), "{names:?}");
        }
    }
}
