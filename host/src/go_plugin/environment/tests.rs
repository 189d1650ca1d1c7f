use super::*;

/// What Grafana sets, and these.
fn read(variables: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
    let grafana = [
        ("grafana_plugin_type", "datasource"),
        ("PLUGIN_PROTOCOL_VERSIONS", "2"),
        ("PLUGIN_MIN_PORT", "10000"),
        ("PLUGIN_MAX_PORT", "25000"),
    ];
    let variables = grafana.iter().chain(variables);
    let variables = variables.map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Environment::from_variables(&variables)
}

fn network_of(variables: &[(&str, &str)]) -> Network {
    read(variables).unwrap().network
}

fn unix(folder: &str, group: Option<&str>) -> Network {
    Network::Unix { folder: folder.into(), group: group.map(str::to_owned) }
}

#[test]
fn what_grafana_sets_means_a_socket_in_tmp() {
    let expected = Environment {
        network: unix("/tmp", None),
        protocol_versions: vec![2],
        asks_for_multiplexing: false,
        client_certificate: None,
    };
    assert_eq!(read(&[]).unwrap(), expected);
}

#[test]
fn without_the_magic_cookie_a_person_reads_two_sentences() {
    for variables in [
        HashMap::new(),
        HashMap::from([("grafana_plugin_type".into(), "renderer".into())]),
        HashMap::from([("grafana_plugin_type".into(), OsString::new())]),
    ] {
        let error = Environment::from_variables(&variables).unwrap_err();
        assert_eq!(error, EnvironmentError::NotStartedByGrafana);
        assert_eq!(error.to_string().matches(". ").count(), 1, "{error}");
        assert!(error.to_string().contains("-standalone"), "{error}");
    }
}

#[test]
fn the_socket_is_made_where_go_plugin_says_else_in_the_temporary_folder() {
    let (plugin, group) = (("PLUGIN_UNIX_SOCKET_DIR", "/run/g"), ("PLUGIN_UNIX_SOCKET_GROUP", "x"));
    for (variables, expected) in [
        (&[("TMPDIR", "/var/t")][..], unix("/var/t", None)),
        (&[("TMPDIR", "")], unix("/tmp", None)),
        (&[("TMPDIR", "/var/t"), plugin], unix("/run/g", None)),
        (&[plugin, group], unix("/run/g", Some("x"))),
        (&[("PLUGIN_UNIX_SOCKET_GROUP", "")], unix("/tmp", None)),
        (&[("GF_PLUGIN_NETWORK", "unix")], unix("/tmp", None)),
    ] {
        assert_eq!(network_of(variables), expected, "{variables:?}");
    }
}

#[test]
fn tcp_on_request_takes_a_port_of_the_range() {
    let tcp = ("GF_PLUGIN_NETWORK", "tcp");
    for (variables, ports) in [
        (&[tcp][..], 10_000..=25_000),
        (&[("GF_PLUGIN_NETWORK", " tcp ")], 10_000..=25_000),
        (&[tcp, ("PLUGIN_MIN_PORT", "25000")], 25_000..=25_000),
        (&[tcp, ("PLUGIN_MIN_PORT", "0")], 0..=0),
        (&[tcp, ("PLUGIN_MIN_PORT", "")], 0..=0),
        (&[tcp, ("PLUGIN_MAX_PORT", "0")], 0..=0),
        (&[tcp, ("PLUGIN_MAX_PORT", "")], 0..=0),
        (&[tcp, ("PLUGIN_MIN_PORT", ""), ("PLUGIN_MAX_PORT", "")], 0..=0),
    ] {
        assert_eq!(network_of(variables), Network::Tcp { ports }, "{variables:?}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_value() {
    let tcp = ("GF_PLUGIN_NETWORK", "tcp");
    for (variables, words) in [
        (&[("GF_PLUGIN_NETWORK", "udp")][..], "GF_PLUGIN_NETWORK is 'udp', which is not 'unix' or"),
        (&[tcp, ("PLUGIN_MIN_PORT", "many")], "PLUGIN_MIN_PORT is 'many', which is not a port"),
        (&[tcp, ("PLUGIN_MAX_PORT", "65536")], "PLUGIN_MAX_PORT is '65536'"),
        (&[tcp, ("PLUGIN_MAX_PORT", "9")], "PLUGIN_MAX_PORT is '9', which is not as high as"),
        (&[("PLUGIN_CLIENT_CERT", "yes")], "but it holds 0 certificates in PEM"),
        (
            &[("PLUGIN_CLIENT_CERT", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----")],
            "but what it holds is no PEM",
        ),
        (
            &[(
                "PLUGIN_CLIENT_CERT",
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            )],
            "no X.509 certificate",
        ),
    ] {
        let message = read(variables).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn ports_do_not_matter_to_a_socket() {
    assert_eq!(network_of(&[("PLUGIN_MIN_PORT", "many")]), unix("/tmp", None));
}

#[test]
fn protocol_versions_that_cannot_be_read_are_skipped() {
    for (value, expected) in
        [("2", &[2][..]), ("1, 2,x,,3", &[1, 2, 3]), ("", &[]), ("-1,99999999999", &[])]
    {
        let environment = read(&[("PLUGIN_PROTOCOL_VERSIONS", value)]).unwrap();
        assert_eq!(environment.protocol_versions, expected, "{value}");
    }
}

#[test]
fn any_value_asks_for_multiplexing() {
    for (value, expected) in [("true", true), ("false", true), ("", false)] {
        let environment = read(&[("PLUGIN_MULTIPLEX_GRPC", value)]).unwrap();
        assert_eq!(environment.asks_for_multiplexing, expected);
    }
}
