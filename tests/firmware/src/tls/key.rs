//! Who the server must be: the one that has the private half of a key that the device knows.
//!
//! In TLS 1.3 the server signs the handshake with the key of its certificate (RFC 8446 section 4.4.3). That signature is
//! checked with the key that is pinned, whatever certificate comes with it: the certificate needs no parsing, has no
//! name and no date that a device without a clock could check, and may be renewed as long as its key stays.

use embedded_tls::alert::{AlertDescription, AlertLevel};
use embedded_tls::blocking::{CertificateRef, CertificateVerifyRef, CryptoProvider, TlsVerifier};
use embedded_tls::{Aes128GcmSha256, CryptoRngCore, SignatureScheme, TlsError};
use p256::ecdsa::signature::DigestVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::debugger;

/// Why a server is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Refusal {
    /// It signs with another key than the pinned one.
    WrongKey,
    /// It signs with another kind of key than ECDSA on P-256.
    WrongKind,
    /// It has signed nothing.
    NoProof,
}

/// The server's public key, on the curve P-256.
pub struct Pinned(VerifyingKey);

impl Pinned {
    /// Out of a compressed point (SEC 1), 33 bytes, in hex.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let mut point = [0; 33];
        if hex.len() != 2 * point.len() {
            return None;
        }
        for (byte, digits) in point.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        VerifyingKey::from_sec1_bytes(&point).ok().map(Self)
    }
}

/// What embedded-tls asks the program for in a handshake.
pub struct Device<'k> {
    verifier: Verifier<'k>,
}

impl<'k> Device<'k> {
    pub const fn new(key: &'k Pinned) -> Self {
        Self { verifier: Verifier { key, transcript: None, verdict: Err(Refusal::NoProof) } }
    }

    /// Whether the server has shown that it has the key. To be asked after the handshake: one without a certificate and
    /// without a signature is no error to embedded-tls 0.19.
    pub const fn verdict(&self) -> Result<(), Refusal> {
        self.verifier.verdict
    }
}

impl CryptoProvider for Device<'_> {
    type CipherSuite = Aes128GcmSha256;
    // The device has no certificate of its own.
    type Signature = [u8; 0];

    fn rng(&mut self) -> impl CryptoRngCore {
        HostRandom
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Aes128GcmSha256>, TlsError> {
        Ok(&mut self.verifier)
    }
}

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

/// The host's random bytes.
struct HostRandom;

impl rand_core::RngCore for HostRandom {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(debugger::random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(debugger::random())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        debugger::fill_random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for HostRandom {}
