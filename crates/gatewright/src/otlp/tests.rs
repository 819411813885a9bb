use super::*;

fn settings<const N: usize>(variables: [(&str, &str); N]) -> Result<Option<Settings>, String> {
    Settings::of(|name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn nothing_is_sent_where_no_collector_is_named_or_it_is_turned_off() {
    assert_eq!(settings([]), Ok(None));
    assert_eq!(settings([("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), Ok(None));
    for (name, value) in [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")] {
        assert_eq!(settings([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), (name, value)]), Ok(None), "{name}");
    }
}

#[test]
fn an_address_of_traces_is_whole_and_the_collectors_is_not() {
    for (name, value, url) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "http://c:4318/v1/traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/otlp/", "https://c/otlp/v1/traces"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/mine", "http://c:4318/mine"),
    ] {
        assert_eq!(settings([(name, value)]).unwrap().unwrap().url(), url);
    }
}

#[test]
fn what_stands_beside_it_is_read_and_what_is_not_done_is_said() {
    let read = settings([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b+c, x=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=chat,service.name=other"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
    ]);
    let read = read.unwrap().unwrap();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read.headers, [pair("api-key", "a b+c"), pair("x", "1")]);
    assert_eq!(read.timeout, Duration::from_millis(250));
    assert_eq!(read.resource[..2], [pair("service.name", "other"), pair("team", "chat")]);
    assert_eq!(read.tracing(), Tracing { is_told: true, share: Tracing::share_of(0.5) });
    assert_eq!(read.remarks.len(), 2, "{:?}", read.remarks);
}

#[test]
fn what_cannot_be_read_names_its_variable_and_no_secret() {
    for (name, value, said) in [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "c:4318",
            "OTEL_EXPORTER_OTLP_ENDPOINT: `c:4318/v1/traces` is no http or https URL",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1s", "OTEL_EXPORTER_OTLP_TIMEOUT: `1s` is no number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer 123456", "OTEL_EXPORTER_OTLP_HEADERS: `Bea…` has no `=`"),
    ] {
        let given = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c"), (name, value)];
        let given = if name.ends_with("ENDPOINT") { [(name, value), ("", "")] } else { given };
        assert_eq!(settings(given).unwrap_err(), said);
    }
    let ratio = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
    ];
    assert_eq!(settings(ratio).unwrap_err(), "OTEL_TRACES_SAMPLER_ARG: `2` is no number from 0 to 1");
}
