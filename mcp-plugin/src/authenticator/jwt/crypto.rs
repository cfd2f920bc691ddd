//! How signatures are verified: by `ring`, which is what this program's TLS is made of anyway.

use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwkUtils, JwtSigner, JwtVerifier},
    errors::{Error, ErrorKind},
};
use ring::signature as by;

/// The library has one provider for a process; whoever embeds a gateway may have installed another one.
pub(super) static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    jwk_utils: JwkUtils::new_unimplemented(),
};

/// Nothing is signed here.
fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

struct OfRing {
    algorithm: Algorithm,
    key: DecodingKey,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    // A key is of one family: with a public key nobody verifies a MAC.
    if algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(OfRing {
        algorithm: *algorithm,
        key: key.clone(),
    }))
}

impl JwtVerifier for OfRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for OfRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
        let verified = match (self.algorithm, self.key.kind()) {
            (Algorithm::ES256, SecretOrDer(point)) => {
                by::UnparsedPublicKey::new(&by::ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Algorithm::ES384, SecretOrDer(point)) => {
                by::UnparsedPublicKey::new(&by::ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
            (Algorithm::EdDSA, SecretOrDer(point)) => {
                by::UnparsedPublicKey::new(&by::ED25519, point).verify(message, signature)
            }
            (algorithm, RsaModulusExponent { n, e }) => {
                let parameters = match algorithm {
                    Algorithm::RS256 => &by::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::RS384 => &by::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RS512 => &by::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::PS256 => &by::RSA_PSS_2048_8192_SHA256,
                    Algorithm::PS384 => &by::RSA_PSS_2048_8192_SHA384,
                    Algorithm::PS512 => &by::RSA_PSS_2048_8192_SHA512,
                    _ => return Err(signature::Error::new()),
                };
                by::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            _ => return Err(signature::Error::new()),
        };
        verified.map_err(|_| signature::Error::new())
    }
}
