//! GetResourceIdentitySchemas and UpgradeResourceIdentity: no resource has an identity, which an empty answer says
//! to Terraform and OpenTofu alike.

use crate::diagnostics::Diagnostics;
use crate::wire::tfplugin6::upgrade_resource_identity::{Request, Response};

pub(super) fn upgrade(request: &Request) -> Result<Response, Diagnostics> {
    let mut diagnostics = Diagnostics::new();
    diagnostics.error(
        "The stored identity cannot be read",
        format!("`{}` has no identity in this version of the provider.", request.type_name),
    );
    Err(diagnostics)
}
