//! What signs the requests of a tool, compiled. The keys themselves are looked up by the engine.

mod message;

use super::header_name;
use http::{HeaderName, header};
use mcp_common::definition::tool::{
    AwsSigV4, Hmac, HmacAlgorithm, KeyEncoding, MaybeSecret, SecretReference, SignatureEncoding,
    TimestampFormat,
};
pub(crate) use message::{Message, Piece, Placeholder};

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const AMZ_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const AMZ_CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// How requests are signed.
#[derive(Debug)]
pub(crate) enum Signer {
    Aws(AwsSigner),
    Hmac(HmacSigner),
}

/// By AWS's rules.
#[derive(Debug)]
pub(crate) struct AwsSigner {
    pub(crate) access_key: MaybeSecret,
    pub(crate) secret_key: SecretReference,
    pub(crate) session_token: Option<SecretReference>,
    pub(crate) region: String,
    pub(crate) service: String,
    /// Whether a header says what the body is.
    pub(crate) says_content: bool,
}

/// By a declared text.
#[derive(Debug)]
pub(crate) struct HmacSigner {
    pub(crate) key: SecretReference,
    pub(crate) key_encoding: KeyEncoding,
    pub(crate) algorithm: HmacAlgorithm,
    pub(crate) message: Message,
    pub(crate) header: HeaderName,
    pub(crate) prefix: String,
    pub(crate) encoding: SignatureEncoding,
    pub(crate) timestamp: Option<(HeaderName, TimestampFormat)>,
    pub(crate) nonce: Option<HeaderName>,
    pub(crate) key_id: Option<(HeaderName, MaybeSecret)>,
}

/// S3 by the names that it signs with; `s3tables` and `s3vectors` are services like others.
fn is_s3(service: &str) -> bool {
    matches!(service, "s3" | "s3-outposts" | "s3-object-lambda" | "s3express")
}

impl AwsSigner {
    /// Whether the service takes paths as they are: S3 has keys in them, which are no paths.
    pub(crate) fn takes_paths_as_they_are(&self) -> bool {
        is_s3(&self.service)
    }
}

impl Signer {
    pub(super) fn of_aws(binding: &AwsSigV4) -> Self {
        let wants_content = is_s3(&binding.service) || binding.service == "aoss";
        Self::Aws(AwsSigner {
            access_key: binding.access_key.clone(),
            secret_key: binding.secret_key.clone(),
            session_token: binding.session_token.clone(),
            region: binding.region.clone(),
            service: binding.service.clone(),
            says_content: binding.content_sha256.unwrap_or(wants_content),
        })
    }

    /// Or the member that is wrong, and why.
    pub(super) fn of_hmac(binding: &Hmac) -> Result<Self, (&'static str, String)> {
        let header = |member: &'static str, name: &str| {
            header_name::read(name).map_err(|reason| (member, reason.to_owned()))
        };
        let maybe = |member: &'static str, name: &Option<String>| {
            name.as_deref().map(|name| header(member, name)).transpose()
        };
        let message = Message::compile(&binding.message).map_err(|reason| ("message", reason))?;
        let signer = HmacSigner {
            key: binding.key.clone(),
            key_encoding: binding.key_encoding,
            algorithm: binding.algorithm,
            message,
            header: header("header", binding.header.as_deref().unwrap_or("X-Signature"))?,
            prefix: binding.prefix.clone(),
            encoding: binding.encoding,
            timestamp: maybe("timestamp_header", &binding.timestamp_header)?
                .map(|name| (name, binding.timestamp_format)),
            nonce: maybe("nonce_header", &binding.nonce_header)?,
            key_id: maybe("key_id_header", &binding.key_id_header)?.zip(binding.key_id.clone()),
        };
        if let Err(reason) = crate::encode::header_value(signer.prefix.as_bytes()) {
            return Err(("prefix", reason));
        }
        let signer = Self::Hmac(signer);
        let headers = signer.headers();
        for (index, name) in headers.iter().enumerate() {
            if headers[..index].contains(name) {
                return Err((
                    "header",
                    format!("`{name}` is the name of two headers of the signature"),
                ));
            }
        }
        Ok(signer)
    }

    /// The headers that a signature fills.
    pub(crate) fn headers(&self) -> Vec<HeaderName> {
        match self {
            Self::Aws(aws) => {
                let mut headers = vec![header::AUTHORIZATION, AMZ_DATE];
                headers.extend(aws.session_token.is_some().then_some(AMZ_TOKEN));
                headers.extend(aws.says_content.then_some(AMZ_CONTENT));
                headers
            }
            Self::Hmac(hmac) => {
                let others = hmac.timestamp.iter().map(|(name, _)| name).chain(&hmac.nonce);
                let others = others.chain(hmac.key_id.iter().map(|(name, _)| name));
                [&hmac.header].into_iter().chain(others).cloned().collect()
            }
        }
    }

    /// Every secret that it refers to.
    pub(crate) fn references(&self) -> Vec<&SecretReference> {
        match self {
            Self::Aws(aws) => {
                let id = aws.access_key.reference().into_iter();
                id.chain([&aws.secret_key]).chain(&aws.session_token).collect()
            }
            Self::Hmac(hmac) => {
                let id = hmac.key_id.iter().filter_map(|(_, id)| id.reference());
                id.chain([&hmac.key]).collect()
            }
        }
    }
}
