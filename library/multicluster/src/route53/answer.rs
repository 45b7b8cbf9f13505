//! Asking Route 53 what it answers.

use std::net::IpAddr;

use aws_sdk_route53::types::RrType;
use multicluster_core::route53::{RecordName, RecordType};

use super::{Run, Zone, call::Operation, error::CallError};

/// What Route 53 says it would answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestAnswer {
    /// `NOERROR`, `NXDOMAIN`, …
    pub response_code: String,
    /// The values, as they stand in a zone file.
    pub values: Vec<String>,
    /// The server that would answer.
    pub name_server: String,
}

/// The part of a client's address that its resolver tells (EDNS client subnet).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSubnet {
    /// An address of the network.
    pub address: IpAddr,
    /// How many of its bits are told; 24 and 48 at most are used.
    pub mask: u8,
}

impl Zone {
    /// Asks what the zone would answer a client, by `TestDNSAnswer`. Counts as a request like any other, and sees a
    /// change only when all servers know of it.
    ///
    /// # Errors
    /// [`CallError`]; private zones cannot be asked.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn test_answer(
        &self,
        name: &RecordName,
        r#type: &RecordType,
        client: Option<ClientSubnet>,
        run: &Run,
    ) -> Result<TestAnswer, CallError> {
        let operation = Operation::harmless("TestDNSAnswer", &self.shared.id);
        let answer = self.client.call(operation, run, |sdk| {
            sdk.test_dns_answer()
                .hosted_zone_id(&self.shared.id)
                .record_name(name.as_str())
                .record_type(RrType::from(r#type.0.as_str()))
                // A subnet is only taken together with a resolver; that of the client answers as its own would.
                .set_resolver_ip(client.map(|client| client.address.to_string()))
                .set_edns0_client_subnet_ip(client.map(|client| client.address.to_string()))
                .set_edns0_client_subnet_mask(client.map(|client| client.mask.to_string()))
                .send()
        });
        let answer = answer.await?;
        Ok(TestAnswer {
            response_code: answer.response_code,
            values: answer.record_data,
            name_server: answer.nameserver,
        })
    }
}
