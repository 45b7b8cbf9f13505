//! Certificates of one cluster: a CA, the API server's certificate, client certificates by user name.
//!
//! The CA's name carries the cluster's, so that a verification error says which cluster was really met.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

/// A certificate with its key, both PEM. It has no `Debug`: the key must not reach a log.
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    key_pem: String,
}

impl Authority {
    pub(crate) fn new(cluster: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("cannot generate a key")?;
        let key_pem = key.serialize_pem();
        let params = authority(cluster);
        let certificate_pem = params.self_signed(&key).context("cannot sign the CA's certificate")?.pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate_pem, key_pem })
    }

    /// The authority that was made earlier, from its certificate and key.
    pub(crate) fn load(cluster: &str, certificate_pem: String, key_pem: String) -> anyhow::Result<Self> {
        let key = KeyPair::from_pem(&key_pem).context("cannot read the CA's key")?;
        Ok(Self { issuer: Issuer::new(authority(cluster), key), certificate_pem, key_pem })
    }

    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(crate) fn key_pem(&self) -> &str {
        &self.key_pem
    }

    /// For the API server and for proxies before it: valid for 127.0.0.1 and localhost on any port.
    pub(crate) fn server(&self) -> anyhow::Result<Identity> {
        let mut params = parameters("kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = vec![
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::DnsName("localhost".try_into().context("invalid DNS name")?),
        ];
        self.sign(params)
    }

    /// For a client: the user is the certificate's common name, the group its organization. Members of
    /// `system:masters` may do everything.
    pub(crate) fn client(&self, user: &str, group: &str) -> anyhow::Result<Identity> {
        let mut params = parameters(user);
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> anyhow::Result<Identity> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("cannot generate a key")?;
        let certificate = params.signed_by(&key, &self.issuer).context("cannot sign a certificate")?;
        Ok(Identity { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}

/// A key that signs ServiceAccount tokens, and its public half: the API server reads the two from two files.
pub(crate) struct ServiceAccountKey {
    pub(crate) private_pem: String,
    pub(crate) public_pem: String,
}

impl ServiceAccountKey {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("cannot generate a key")?;
        Ok(Self { private_pem: key.serialize_pem(), public_pem: key.public_key_pem() })
    }
}

fn authority(cluster: &str) -> CertificateParams {
    let mut params = parameters(&format!("{cluster} lab CA"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn parameters(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
