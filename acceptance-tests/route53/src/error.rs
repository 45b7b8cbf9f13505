//! Errors as the service reports them: a code, an HTTP status, a message.

use std::fmt;

/// An error that a client sees.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ServiceError {
    /// Which error.
    pub code: ErrorCode,
    /// The text in the `Message` element.
    pub message: String,
}

impl ServiceError {
    /// An error of a code with a text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// `InvalidInput` with a text.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message)
    }

    /// `InvalidInput` for requests that the XML schema admits but the service does not.
    pub fn invalid_request(message: impl fmt::Display) -> Self {
        Self::invalid_input(format!("Invalid request: {message}"))
    }

    /// `InvalidChangeBatch` with the list of everything that is wrong, as the service writes lists.
    pub fn invalid_change_batch(messages: &[String]) -> Self {
        Self::new(ErrorCode::InvalidChangeBatch, format!("[{}]", messages.join(", ")))
    }
}

macro_rules! error_codes {
    ($($variant:ident $text:literal $status:literal),* $(,)?) => {
        /// The codes that the emulator answers with. Names and HTTP statuses are those of the API model; where
        /// it gives no status, 400.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the variants are the API's error codes")]
        pub enum ErrorCode { $($variant),* }

        impl ErrorCode {
            /// As in the `Code` element.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }
        }
    };
}

error_codes! {
    CidrBlockInUse "CidrBlockInUseException" 400,
    CidrCollectionAlreadyExists "CidrCollectionAlreadyExistsException" 400,
    CidrCollectionInUse "CidrCollectionInUseException" 400,
    CidrCollectionVersionMismatch "CidrCollectionVersionMismatchException" 409,
    ConflictingDomainExists "ConflictingDomainExists" 400,
    HealthCheckAlreadyExists "HealthCheckAlreadyExists" 409,
    HealthCheckVersionMismatch "HealthCheckVersionMismatch" 409,
    HostedZoneAlreadyExists "HostedZoneAlreadyExists" 409,
    HostedZoneNotEmpty "HostedZoneNotEmpty" 400,
    HostedZoneNotPrivate "HostedZoneNotPrivate" 400,
    InvalidChangeBatch "InvalidChangeBatch" 400,
    InvalidDomainName "InvalidDomainName" 400,
    InvalidInput "InvalidInput" 400,
    InvalidVpcId "InvalidVPCId" 400,
    LimitsExceeded "LimitsExceeded" 400,
    MissingAuthenticationToken "MissingAuthenticationToken" 403,
    NoSuchChange "NoSuchChange" 404,
    NoSuchCidrCollection "NoSuchCidrCollectionException" 404,
    NoSuchCidrLocation "NoSuchCidrLocationException" 404,
    NoSuchGeoLocation "NoSuchGeoLocation" 404,
    NoSuchHealthCheck "NoSuchHealthCheck" 404,
    NoSuchHostedZone "NoSuchHostedZone" 404,
    NotImplemented "NotImplemented" 501,
    PriorRequestNotComplete "PriorRequestNotComplete" 400,
    PublicZoneVpcAssociation "PublicZoneVPCAssociation" 400,
    SignatureDoesNotMatch "SignatureDoesNotMatch" 403,
    Throttling "Throttling" 400,
    TooManyHealthChecks "TooManyHealthChecks" 400,
    TooManyHostedZones "TooManyHostedZones" 400,
    UnknownOperation "UnknownOperationException" 404,
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
