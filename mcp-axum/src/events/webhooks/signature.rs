//! What receivers verify: Standard Webhooks 1.0, "Signature scheme", with a shared secret.

use crate::settings::WebhookSettings;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use mcp_common::secret::{ExposeSecret, Secret};
use sha2::Sha256;
use std::{fs::File, io::Read};

/// Before a secret that is written in base64.
const ENCODED: &str = "whsec_";
/// A file of a secret is not longer.
const MOST: u64 = 4096;

/// `v1,…` over id, time and body.
pub(crate) fn of(secret: &Secret, id: &str, timestamp: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret.expose_secret())).unwrap_or_else(|_| {
        // HMAC takes keys of every length.
        Hmac::<Sha256>::new(&Default::default())
    });
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A secret that is not what its beginning says is taken as it is written.
fn key(secret: &str) -> Vec<u8> {
    let encoded = secret.strip_prefix(ENCODED);
    let decoded = encoded.and_then(|text| {
        STANDARD
            .decode(text)
            .or_else(|_| STANDARD_NO_PAD.decode(text))
            .ok()
    });
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// Looked up for each message, so that a file can be replaced.
pub(super) fn secret(settings: &WebhookSettings) -> Result<Option<Secret>, String> {
    if let Some(secret) = &settings.secret {
        return Ok(Some(secret.clone()));
    }
    if let Some(name) = &settings.secret_env {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        return match value {
            Some(value) => Ok(Some(value.into())),
            None => Err(format!("the environment has no variable `{name}` (secret_env)")),
        };
    }
    let Some(file) = &settings.secret_file else {
        return Ok(None);
    };
    let mut text = String::new();
    let read = File::open(file).and_then(|opened| opened.take(MOST).read_to_string(&mut text));
    match read {
        Ok(_) if !text.trim().is_empty() => Ok(Some(text.trim().into())),
        Ok(_) => Err(format!("{} is empty (secret_file)", file.display())),
        Err(error) => Err(format!(
            "{} cannot be read: {error} (secret_file)",
            file.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_specification() {
        // Verified by the library of the specification: `Webhook("whsec_…").sign(…)`.
        let secret = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = of(
            &secret,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(key("plain"), b"plain");
        assert_eq!(key("whsec_%"), b"whsec_%");
    }
}
