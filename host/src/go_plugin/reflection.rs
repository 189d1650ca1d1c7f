//! gRPC reflection, by which tools such as grpcurl ask a server for its services: Go's plugins have it, too.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

/// The descriptors, which are part of this program, are not what the library reads.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReflectionError(#[from] Error);

/// Adds both versions of the reflection service, which describe what this protocol has, also where this plugin does not serve it.
pub(super) fn with_reflection(services: Routes) -> Result<Routes, ReflectionError> {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(graft_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(services.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?))
}
