//! What a client's certificate says, as `$context.identity.clientCert` has it.

use std::fmt::Write;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::Socket;
use types::identity::ClientCertificate;
use x509_parser::prelude::{ASN1Time, FromDer, GeneralName, X509Certificate, X509Name};

/// The certificate that the client of a socket showed; none where it showed none, or was not asked. It was checked in the
/// handshake.
pub(crate) fn shown(socket: &Socket) -> Option<Arc<ClientCertificate>> {
    let Socket::Tls(stream) = socket else { return None };
    let der = stream.get_ref().1.peer_certificates()?.first()?;
    read(der).map(Arc::new)
}

// None for what is no certificate, which rustls would not have let in.
fn read(der: &[u8]) -> Option<ClientCertificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(name);
    Some(ClientCertificate {
        pem: pem(der),
        subject_dn: distinguished(certificate.subject()),
        issuer_dn: distinguished(certificate.issuer()),
        serial_number: with_colons(certificate.raw_serial()),
        not_before: time(&validity.not_before),
        not_after: time(&validity.not_after),
        subject_alternative_names: names.collect::<Vec<_>>().join(","),
    })
}

/// Characters of base64 in a line. Source: RFC 7468.
const PEM_LINE: usize = 64;

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(PEM_LINE.min(rest.len()));
        out.extend([line, "\n"]);
        rest = after;
    }
    out + "-----END CERTIFICATE-----\n"
}

/// `CN=client,O=Example,C=US`: the most specific part first, without spaces (RFC 4514). The order is inferred.
fn distinguished(name: &X509Name<'_>) -> String {
    let mut parts = Vec::new();
    for part in name.iter() {
        let attributes = part.iter().map(|attribute| {
            let oid = attribute.attr_type();
            let known = KNOWN.iter().find(|(known, _)| oid.to_id_string() == *known);
            let key = known.map_or_else(|| oid.to_id_string(), |(_, short)| (*short).to_owned());
            match attribute.as_str() {
                Ok(text) => format!("{key}={}", escaped(text)),
                // What is no text stands as its bytes.
                Err(_) => format!("{key}=#{}", hex(attribute.as_slice())),
            }
        });
        parts.push(attributes.collect::<Vec<_>>().join("+"));
    }
    parts.reverse();
    parts.join(",")
}

/// The short names that people know. Source: RFC 4514, and OpenSSL's for the last two.
const KNOWN: [(&str, &str); 11] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("2.5.4.5", "serialNumber"),
];

// A comma in an organisation's name must not look like the next part. Source: RFC 4514, 2.4.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        let is_edge = (c == ' ' && (at == 0 || at == last)) || (c == '#' && at == 0);
        match c {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            c if is_edge => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// `DNS:client.example.com`; none of the sorts that hardly anybody uses.
fn name(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::RFC822Name(name) => format!("email:{name}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from)).ok()?;
            format!("IP:{address}")
        }
        _ => return None,
    })
}

/// `May 28 12:30:02 2019 GMT`. Documented.
fn time(time: &ASN1Time) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = time.to_datetime();
    let (hour, minute, second) = at.to_hms();
    let month = MONTHS[usize::from(u8::from(at.month())) - 1];
    format!("{month} {:>2} {hour:02}:{minute:02}:{second:02} {} GMT", at.day(), at.year())
}

/// `a1:b2:c3`. Documented.
fn with_colons(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, SerialNumber, date_time_ymd};

    use super::*;

    #[test]
    fn a_certificate_is_told_as_aws_tells_it() {
        let mut params = CertificateParams::new(["client.example.com".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("spiffe://example/client".try_into().unwrap()));
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "US"),
            (DnType::OrganizationName, "Ben, Ann + Co"),
            (DnType::CommonName, " #1 "),
            (DnType::CustomDnType(vec![1, 2, 3, 4]), "ü"),
        ] {
            params.distinguished_name.push(kind, value);
        }
        params.serial_number = Some(SerialNumber::from(vec![0x0a, 0xb1, 0xff]));
        (params.not_before, params.not_after) = (date_time_ymd(2019, 5, 28), date_time_ymd(2051, 8, 5));
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let told = read(certificate.der()).unwrap();
        assert_eq!(told.subject_dn, r"1.2.3.4=ü,CN=\ #1\ ,O=Ben\, Ann \+ Co,C=US");
        assert_eq!(told.issuer_dn, told.subject_dn);
        assert_eq!(told.serial_number, "0a:b1:ff");
        assert_eq!(
            (told.not_before.as_str(), told.not_after.as_str()),
            ("May 28 00:00:00 2019 GMT", "Aug  5 00:00:00 2051 GMT")
        );
        assert_eq!(told.subject_alternative_names, "DNS:client.example.com,IP:192.0.2.7,URI:spiffe://example/client");
        assert_eq!(told.pem.replace('\r', ""), certificate.pem().replace('\r', ""));
        assert_eq!(read(b"junk"), None);
    }
}
