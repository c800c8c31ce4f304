//! Who the server must be: the one that has the private half of a key that the device knows.
//!
//! In TLS 1.3 the server signs the handshake with the key of its certificate (RFC 8446 section 4.4.3). That signature is
//! checked with the key that is pinned, whatever certificate comes with it: the certificate needs no parsing, has no
//! name and no date that a device without a clock could check, and may be renewed as long as its key stays.

use core::fmt;

use embedded_tls::alert::{AlertDescription, AlertLevel};
use embedded_tls::blocking::{CertificateRef, CertificateVerifyRef, CryptoProvider, TlsVerifier};
use embedded_tls::{Aes128GcmSha256, CryptoRngCore, SignatureScheme, TlsError};
use p256::ecdsa::signature::DigestVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// Why a server is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It signs with another key than the pinned one.
    WrongKey,
    /// It signs with another kind of key than ECDSA on P-256.
    WrongKind,
    /// It has signed nothing.
    NoProof,
}

impl Refusal {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongKey => "the server has another key than the pinned one",
            Self::WrongKind => "the server's key is not one for ECDSA on P-256",
            Self::NoProof => "the server has not shown that it has the pinned key",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The server's public key, on the curve P-256.
#[derive(Debug)]
pub struct Pinned(VerifyingKey);

impl Pinned {
    /// Out of a compressed point (SEC 1), 33 bytes, in hex.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut point = [0; 33];
        if hex.len() != 66 {
            return None;
        }
        for (byte, digits) in point.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        VerifyingKey::from_sec1_bytes(&point).ok().map(Self)
    }
}

/// What embedded-tls asks the program for in a handshake.
#[derive(Debug)]
pub struct Device<'k, R> {
    rng: R,
    verifier: Verifier<'k>,
}

impl<'k, R> Device<'k, R> {
    /// For one handshake.
    pub const fn new(key: &'k Pinned, rng: R) -> Self {
        Self { rng, verifier: Verifier { key, transcript: None, verdict: Err(Refusal::NoProof) } }
    }

    /// What came of the handshake, out of what `open` returned. Never leave it out: a handshake without a certificate and
    /// without a signature is no error to embedded-tls 0.19.
    pub fn judge(&self, opened: Result<(), TlsError>) -> Result<(), HandshakeError> {
        match (opened, self.verifier.verdict) {
            (Ok(()), Ok(())) => Ok(()),
            // It failed before the server could show anything, or after it had.
            (Err(error), Ok(()) | Err(Refusal::NoProof)) => Err(HandshakeError::Tls(error)),
            (_, Err(refusal)) => Err(HandshakeError::Refused(refusal)),
        }
    }
}

/// Why a handshake failed.
#[derive(Debug, Clone, Copy)]
pub enum HandshakeError {
    /// The server is not the one that is wanted.
    Refused(Refusal),
    /// Otherwise.
    Tls(TlsError),
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Tls(error) => write!(f, "the TLS handshake failed: {error}"),
        }
    }
}

impl core::error::Error for HandshakeError {}

impl<R: CryptoRngCore> CryptoProvider for Device<'_, R> {
    type CipherSuite = Aes128GcmSha256;
    // The device has no certificate of its own.
    type Signature = [u8; 0];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut self.rng
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

#[derive(Debug)]
struct Verifier<'k> {
    key: &'k Pinned,
    /// The handshake up to the certificate, which is what the server signs.
    transcript: Option<Sha256>,
    verdict: Result<(), Refusal>,
}

impl Verifier<'_> {
    fn judge(&mut self, verify: &CertificateVerifyRef<'_>) -> Result<(), Refusal> {
        let transcript = self.transcript.take().ok_or(Refusal::NoProof)?;
        if verify.signature_scheme.as_u16() != SignatureScheme::EcdsaSecp256r1Sha256.as_u16() {
            return Err(Refusal::WrongKind);
        }
        let signature = Signature::from_der(verify.signature).map_err(|_| Refusal::WrongKey)?;
        let signed = Sha256::new()
            .chain_update([b' '; 64])
            .chain_update(b"TLS 1.3, server CertificateVerify\0")
            .chain_update(transcript.finalize());
        self.key.0.verify_digest(signed, &signature).map_err(|_| Refusal::WrongKey)
    }
}

impl TlsVerifier<Aes128GcmSha256> for Verifier<'_> {
    fn set_hostname_verification(&mut self, _: &str) -> Result<(), TlsError> {
        Ok(())
    }

    fn verify_certificate(&mut self, transcript: &Sha256, _: CertificateRef<'_>) -> Result<(), TlsError> {
        self.transcript = Some(transcript.clone());
        Ok(())
    }

    fn verify_signature(&mut self, verify: CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        self.verdict = self.judge(&verify);
        // The error of this kind also tells the server.
        self.verdict.map_err(|_| TlsError::AbortHandshake(AlertLevel::Fatal, AlertDescription::DecryptError))
    }
}
