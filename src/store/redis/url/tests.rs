use super::*;

fn parsed(url: &str) -> Endpoint {
    Url::parse(url).expect(url).endpoint
}

#[test]
fn a_url_is_taken_apart() {
    for (url, user, password, database, shown) in [
        ("redis://h", None, None, 0, "redis://h"),
        ("redis://h:7000/3", None, None, 3, "redis://h:7000/3"),
        ("redis://h?db=3", None, None, 3, "redis://h?db=3"),
        ("redis://:pw@h", None, Some("pw"), 0, "redis://:***@h"),
        (
            "rediss://u:p%40%2Fw@h/1",
            Some("u"),
            Some("p@/w"),
            1,
            "rediss://u:***@h/1",
        ),
        ("redis://u@h", Some("u"), None, 0, "redis://u@h"),
        (
            "redis+unix:///run/r.sock?db=2&user=u&pass=p%26w",
            Some("u"),
            Some("p&w"),
            2,
            "redis+unix:///run/r.sock?db=2&user=u&pass=***",
        ),
        (
            "redis+sentinel://u:p%40w@h1,h2:7/my.primary-1/2",
            Some("u"),
            Some("p@w"),
            2,
            "redis+sentinel://u:***@h1,h2:7/my.primary-1/2",
        ),
        (
            "rediss+cluster://:p%2Cw@h1:7000,[::1]:7001/0",
            None,
            Some("p,w"),
            0,
            "rediss+cluster://:***@h1:7000,[::1]:7001/0",
        ),
        (
            "redis+cluster://h1,h2?user=u&pass=pw",
            Some("u"),
            Some("pw"),
            0,
            "redis+cluster://h1,h2?user=u&pass=***",
        ),
    ] {
        let endpoint = parsed(url);
        assert_eq!(endpoint.user.as_deref(), user, "{url}");
        assert_eq!(endpoint.password.as_deref(), password, "{url}");
        assert_eq!(endpoint.database, database, "{url}");
        assert_eq!(endpoint.shown, shown, "{url}");
        assert_eq!(endpoint.is_tls, url.starts_with("rediss"), "{url}");
    }
}

#[test]
fn servers_of_a_url_are_found() {
    let tcp = |host: &str, port| Address::Tcp(host.to_owned(), port);
    for (url, addresses) in [
        ("redis://h", vec![tcp("h", 6379)]),
        ("rediss://[::1]:7000", vec![tcp("::1", 7000)]),
        (
            "redis+sentinel://h1,h2:7/m",
            vec![tcp("h1", 26_379), tcp("h2", 7)],
        ),
        (
            "rediss+cluster://h1:1,[::1],10.0.0.1",
            vec![tcp("h1", 1), tcp("::1", 6379), tcp("10.0.0.1", 6379)],
        ),
        (
            "redis+unix:///run/r.sock",
            vec![Address::Socket("/run/r.sock".into())],
        ),
    ] {
        assert_eq!(
            Url::parse(url).expect(url).route.addresses(),
            addresses,
            "{url}"
        );
    }
}

#[test]
fn sentinels_log_in_as_somebody_else() {
    let url = "redis+sentinel://u:pw@h/m/3?sentinel_user=s&sentinel_pass=p%26w";
    let url = Url::parse(url).expect(url);
    let login = |endpoint: &Endpoint| {
        let Endpoint { user, password, .. } = endpoint.clone();
        (
            user.unwrap_or_default(),
            password.unwrap_or_default(),
            endpoint.database,
        )
    };
    assert_eq!(login(&url.endpoint), ("u".into(), "pw".into(), 3));
    assert_eq!(login(&url.sentinel), ("s".into(), "p&w".into(), 0));
    let shown = "redis+sentinel://u:***@h/m/3?sentinel_user=s&sentinel_pass=***";
    assert_eq!(url.endpoint.shown, shown);
    for endpoint in [url.endpoint, url.sentinel] {
        assert_eq!(endpoint.clean("pw p&w"), "*** ***");
    }
}

#[test]
fn files_are_named_in_the_url() {
    let url = "rediss+cluster://h?ca_file=ca.pem&cert_file=%2Fa+b.pem&key_file=k.pem";
    let url = Url::parse(url).expect(url);
    let expected = ["ca.pem", "/a b.pem", "k.pem"].map(|file| Some(PathBuf::from(file)));
    assert_eq!([url.files.ca, url.files.cert, url.files.key], expected);
}

#[test]
fn a_url_that_is_wrong_is_refused_without_showing_its_password() {
    for url in [
        "redis://",
        "redis://u:sec?ret@h",
        "redis://u:1?secret@h",
        "redis://:a@secret/c#d@127.0.0.1:1",
        "redis://:a@secret/1?c@127.0.0.1:1",
        "redis://:a@secret/c@127.0.0.1/1",
        "redis://u:sec/ret@h",
        "redis://u:1/secret@h",
        "redis://u:sec#ret@h",
        "redis://u:1#secret@h",
        "redis://u:secret@h/x",
        "redis://u:secret@h/1?db=2",
        "redis://u:secret@h:port",
        "redis://h?password=secret",
        "redis://h/0?db=secret",
        "redis+unix:///s?db=x&pass=secret",
        "rediss://:secret@h#insecure",
        "redis+sentinel://:secret@h1,h2",
        "redis+sentinel://:secret@h1,h2/",
        "redis+sentinel://:secret@h1/m/x",
        "redis+sentinel://:secret@h1/m/0/1",
        "redis+sentinel://:secret@h1/m%20m",
        "redis+sentinel://h1/m?sentinel_pass=secret&x=1",
        "redis+sentinel://:sec/ret@h1/m",
        "redis+cluster:secret@h1",
        "redis+cluster://:secret@",
        "redis+cluster://:secret@h1,,h2",
        "redis+cluster://:secret@h1,h2:port",
        "redis+cluster://:secret@h1,h2 h3",
        "redis+cluster://:secret@h1,u:secret@h2",
        "redis+cluster://:sec@ret@h1",
        "redis+cluster://:1,2/secret@h1",
        "redis+cluster://u:1?secret@h1,h2",
        "redis+cluster://h1?sentinel_pass=secret",
        "redis+cluster://:secret@h1?ca_file=ca.pem",
        "redis+unix:///s?pass=secret&ca_file=ca.pem",
    ] {
        let error = Url::parse(url).expect_err(url);
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(matches!(error, Error::Url { .. }), "{url}: {text}");
        assert!(
            !text.contains("secret") && !text.contains("ret@"),
            "{url}: {text}"
        );
    }
}
