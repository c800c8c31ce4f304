//! TLS of the echo server and of `microws-cat`: certificates, versions, endings, one port for both.

mod cat;
mod certificates;
mod client;
mod connections;
mod endings;

use std::fs;
use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

/// A folder for certificates, gone when the test ends.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A certificate for localhost, valid in these years, and its key.
    fn certificate(&self, name: &str, years: (i32, i32)) -> (String, String) {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let chain = self.file(&format!("{name}.pem"), &certificate.pem());
        (chain, self.file(&format!("{name}.key"), &key.serialize_pem()))
    }
}

/// Years in which the tests run.
const NOW: (i32, i32) = (2020, 2100);

fn der(pem: &str) -> rustls::pki_types::CertificateDer<'static> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::CertificateDer::from_pem_file(PathBuf::from(pem)).unwrap()
}
