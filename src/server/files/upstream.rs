//! The upstream's servers as the gate reaches them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;

use crate::edge::tls;
use crate::gate::Endpoint;
use crate::settings::{Scheme, Server, Upstream};
use crate::source::file::read_file;

/// Makes endpoints of the servers in the settings.
pub(in crate::server) fn endpoints(setting: &Upstream) -> Result<Vec<Endpoint>, String> {
    let secure = setting.servers.iter().any(|server| server.scheme == Scheme::Https);
    let config = if secure { Some(client_config(setting.ca.as_deref())?) } else { None };
    let endpoint = |server: &Server| {
        let host = server.host().to_owned();
        let named = |error: &dyn fmt::Display| format!("upstream {server}: {error}");
        let tls = match (server.scheme, &config) {
            (Scheme::Https, Some(config)) => {
                let name = ServerName::try_from(host.clone()).map_err(|error| named(&error))?;
                Some((name, Arc::clone(config)))
            }
            (Scheme::Https, None) | (Scheme::Http, _) => None,
        };
        let host_header = HeaderValue::from_str(server.authority.as_str()).map_err(|error| named(&error))?;
        Ok(Endpoint { origin: server.to_string(), host, port: server.port(), host_header, tls })
    };
    setting.servers.iter().map(endpoint).collect()
}

fn client_config(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let roots = match authorities {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(path) => {
            let contents = read_file(path).map_err(|error| error.to_string())?;
            tls::authorities(&path.display().to_string(), &contents.bytes).map_err(|error| error.to_string())?
        }
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
