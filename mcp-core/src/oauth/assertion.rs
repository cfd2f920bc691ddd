//! A client that signs instead of having a secret (`private_key_jwt`, RFC 7523).

use super::pkce;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// How long it is good for, in seconds.
const LIFETIME: u64 = 120;

/// A key, and how it signs.
enum Key {
    Ecdsa(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// Says who the client is, to this audience alone, once. `known` are the algorithms that the server knows; none for what nobody knows.
pub(super) fn assertion(
    pem: &str,
    key_id: Option<&str>,
    client: &str,
    audience: &str,
    known: &[String],
) -> Result<String, String> {
    let key = Key::read(pem)?;
    let algorithm = key.algorithm(known)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let jti = pkce::random().map_err(|error| error.to_string())?;
    let mut head = json!({"alg": algorithm, "typ": "JWT"});
    if let Some(key_id) = key_id {
        head["kid"] = key_id.into();
    }
    let claims =
        json!({"iss": client, "sub": client, "aud": audience, "jti": jti, "iat": now, "exp": now + LIFETIME});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(&claims));
    let signature = key.sign(algorithm, text.as_bytes())?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

impl Key {
    fn read(pem: &str) -> Result<Self, String> {
        let none = "is no private key in PEM: it begins with `-----BEGIN PRIVATE KEY-----`";
        let rng = SystemRandom::new();
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| none)? {
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                for (name, algorithm) in [
                    ("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
                    ("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
                ] {
                    if let Ok(key) = EcdsaKeyPair::from_pkcs8(algorithm, der, &rng) {
                        return Ok(Self::Ecdsa(name, key));
                    }
                }
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self::Ed25519(key));
                }
                let kinds = "is a key of a kind that is not known here: RSA of 2048 to 4096 bits, P-256, P-384 and Ed25519 are";
                RsaKeyPair::from_pkcs8(der)
                    .map(Self::Rsa)
                    .map_err(|_| kinds.to_owned())
            }
            PrivateKeyDer::Pkcs1(der) => {
                let key = RsaKeyPair::from_der(der.secret_pkcs1_der());
                key.map(Self::Rsa)
                    .map_err(|_| "is no RSA key of 2048 to 4096 bits".to_owned())
            }
            _ => Err("is not written as PKCS #8: `openssl pkcs8 -topk8 -nocrypt` does that".to_owned()),
        }
    }

    fn algorithm(&self, known: &[String]) -> Result<&'static str, String> {
        let own: &[&'static str] = match self {
            Self::Ecdsa(name, _) => &[*name],
            Self::Ed25519(_) => &["EdDSA"],
            Self::Rsa(_) => &["RS256", "PS256"],
        };
        let fits = own
            .iter()
            .find(|own| known.is_empty() || known.iter().any(|known| known == *own));
        fits.copied().ok_or_else(|| {
            let known = super::fetch::plain(&known.join(", "));
            format!(
                "signs with {}, and the authorization server knows {known}",
                own.join(" or ")
            )
        })
    }

    fn sign(&self, algorithm: &str, text: &[u8]) -> Result<Vec<u8>, String> {
        let rng = SystemRandom::new();
        let failed = |_| "cannot sign".to_owned();
        match self {
            Self::Ecdsa(_, key) => Ok(key.sign(&rng, text).map_err(failed)?.as_ref().to_vec()),
            Self::Ed25519(key) => Ok(key.sign(text).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let padding: &dyn ring::signature::RsaEncoding = match algorithm {
                    "PS256" => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                key.sign(padding, &rng, text, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, KeyPair, UnparsedPublicKey};

    fn pem(der: &[u8]) -> String {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    fn parts(token: &str) -> (Value, Value, &str, Vec<u8>) {
        let (text, signature) = token.rsplit_once('.').unwrap();
        let (head, claims) = text.split_once('.').unwrap();
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        (
            json(head),
            json(claims),
            text,
            URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
    }

    #[test]
    fn what_is_signed_can_be_verified() {
        let rng = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let public = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &rng).unwrap();
        let public = public.public_key().as_ref().to_vec();
        let token = assertion(&pem(der.as_ref()), Some("k1"), "me", "https://as.example", &[]).unwrap();
        let (head, claims, text, signature) = parts(&token);
        assert_eq!((&head["alg"], &head["kid"]), (&json!("ES256"), &json!("k1")));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("me"), &json!("me")));
        assert_eq!(claims["aud"], "https://as.example");
        assert_eq!(
            claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(),
            LIFETIME
        );
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(text.as_bytes(), &signature)
            .unwrap();
        let again = assertion(&pem(der.as_ref()), None, "me", "https://as.example", &[]).unwrap();
        assert_ne!(parts(&again).1["jti"], claims["jti"], "each is used once");

        let der = Ed25519KeyPair::generate_pkcs8(&rng).unwrap();
        let public = Ed25519KeyPair::from_pkcs8(der.as_ref())
            .unwrap()
            .public_key()
            .as_ref()
            .to_vec();
        let token = assertion(
            &pem(der.as_ref()),
            None,
            "me",
            "https://as.example",
            &["EdDSA".into()],
        )
        .unwrap();
        let (_, _, text, signature) = parts(&token);
        UnparsedPublicKey::new(&ED25519, public)
            .verify(text.as_bytes(), &signature)
            .unwrap();
        let error = assertion(&pem(der.as_ref()), None, "me", "x", &["RS256".into()]).unwrap_err();
        assert_eq!(
            error,
            "signs with EdDSA, and the authorization server knows RS256"
        );
    }

    #[test]
    fn what_is_no_key_is_said_without_it() {
        for text in [
            "",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n",
        ] {
            let error = assertion(text, None, "me", "x", &[]).unwrap_err();
            assert!(error.starts_with("is ") && !error.contains("hunter2"), "{error}");
        }
    }
}
