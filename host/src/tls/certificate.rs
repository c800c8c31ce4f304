//! A certificate with its issuers' and its key: read from files, or made.

use std::fmt::Write;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use ring::digest::{SHA256, digest};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Certificate;

/// Names that a certificate made here is for, besides those that are given.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate, those of its issuers, and its key.
pub(super) struct Chain {
    /// At least one: the server's own comes first.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Chain {
    /// Makes it or reads it. The error names the file and the cause in a line.
    pub(super) fn load(certificate: &Certificate) -> io::Result<Self> {
        match certificate {
            Certificate::SelfSigned { names, save } => {
                let (chain, pem) = Self::make(names)?;
                if let Some(path) = save {
                    fs::write(path, pem).map_err(|error| cannot("write", path, &error))?;
                }
                Ok(chain)
            }
            Certificate::Files { chain, key } => Self::read(chain, key),
        }
    }

    fn make(names: &[String]) -> io::Result<(Self, String)> {
        let unusable = |error: rcgen::Error| {
            let what = format!("no certificate can be made for {}: {error}", names.join(", "));
            io::Error::new(ErrorKind::InvalidInput, what)
        };
        let names: Vec<String> = NAMES.into_iter().map(str::to_owned).chain(names.iter().cloned()).collect();
        let mut params = CertificateParams::new(names).map_err(unusable)?;
        params.distinguished_name.push(DnType::CommonName, "microws-echo");
        // All that are made here have the same name: a client that trusts several tells them apart by their keys.
        (params.is_ca, params.use_authority_key_identifier_extension) = (IsCa::ExplicitNoCa, true);
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        // The clocks of clients differ.
        let now = SystemTime::now();
        (params.not_before, params.not_after) = ((now - DAY).into(), (now + 365 * DAY).into());
        let key = KeyPair::generate().map_err(unusable)?;
        let certificate = params.self_signed(&key).map_err(unusable)?;
        let chain = Self { certificates: vec![certificate.der().clone()], key: key.into() };
        Ok((chain, certificate.pem()))
    }

    fn read(chain: &Path, key: &Path) -> io::Result<Self> {
        let certificates = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(chain, "certificate", error))?;
        let Some(own) = certificates.first() else {
            return Err(unreadable(chain, "certificate", PemError::NoItemsFound));
        };
        check_validity(own)
            .map_err(|cause| invalid(format!("the certificate in {} {cause}", chain.display())))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, "key", error))?;
        Ok(Self { certificates, key })
    }

    /// SHA-256 of the server's own certificate, in hexadecimal.
    pub(super) fn fingerprint(&self) -> String {
        let digest = self.certificates.first().map(|own| digest(&SHA256, own));
        let mut text = String::new();
        for byte in digest.iter().flat_map(AsRef::as_ref) {
            // A String takes all that is written to it.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// Why the certificate can't be used now: the rest of a sentence.
fn check_validity(certificate: &[u8]) -> Result<(), String> {
    let (_, parsed) =
        X509Certificate::from_der(certificate).map_err(|error| format!("can't be read: {error}"))?;
    let validity = parsed.validity();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    if now > validity.not_after.timestamp() {
        return Err(format!("expired on {}", validity.not_after));
    }
    if now < validity.not_before.timestamp() {
        return Err(format!("is not valid before {}", validity.not_before));
    }
    Ok(())
}

fn unreadable(path: &Path, kind: &str, error: PemError) -> io::Error {
    match error {
        PemError::Io(error) => cannot("read", path, &error),
        PemError::NoItemsFound => invalid(format!("there is no {kind} in {}", path.display())),
        error => invalid(format!("the {kind} in {} can't be read: {error}", path.display())),
    }
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {}: {error}", path.display()))
}

fn invalid(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
