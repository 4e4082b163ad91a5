import pytest

from backend.calling.addresses import UrlForbidden, is_public, read_url

REFUSED_ADDRESSES = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1"),
    *("192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1"),
    *("240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1"),
    *("fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"),
    *("", "example.org", "127.1", "0x7f000001", "2130706433", "1.2.3.4.5"),
]
PUBLIC_ADDRESSES = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.0.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.17"),
    *("2400:3200::1", "2606:4700:4700::1111", "2001:200::1", "::ffff:8.8.8.8"),
]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_everybodys_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_may_be_dialled(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/hook", "ftp://example.com/", "file:///etc/passwd", "gopher://a.com/"),
        *("data:text/plain,x", "//example.com/hook", "example.com", "https://", "https:///x"),
        *("https://user:pw@example.com/", "https://user@example.com/", "https://@example.com/"),
        *("https://example.com/#x", "https://example.com/#", "https://example.com:22/"),
        *("https://example.com:8443/", "https://example.com:99999/", "https://example.com:443x/"),
        *("https://127.0.0.1/", "https://[::1]/", "https://8.8.8.8/", "https://2130706433/"),
        *("https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/", "https://①②⑦.0.0.1/"),
        *("https://127%2E0.0.1/", "https://[fe80::1%25lo]/", "https://[::ffff:10.0.0.1]/"),
        *("https://[64:ff9b::7f00:1]/", "https://localhost/", "https://localhost./"),
        *("https://a.localhost/", "https://printer.local/", "https://vault.internal/"),
        *("https://api.default.svc/", "https://x.cluster.local/", "https://intranet/"),
        *("https://exa mple.com/", "https://example.com/a\nb", "https://example.com\\@evil.org/"),
        *("https://例子.中国/", "https://-a.com/", "https://a..com/", "https://example.com./"),
        "https://example.com/" + "x" * 2_040,
    ],
)
def test_a_url_that_leads_inside_or_cannot_be_trusted_is_refused(url):
    with pytest.raises(UrlForbidden):
        read_url(url)


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://example.com/hook", "https://example.com/hook"),
        ("HTTPS://EXAMPLE.COM:443", "https://example.com"),
        ("https://hooks.example.com.cn/a/b?token=1&x=%26", None),
        ("https://xn--fsqu00a.xn--fiqs8s/", None),
        ("https://a-b.c1.example/p@th", None),
    ],
)
def test_an_https_url_of_a_public_name_is_taken(url, called):
    assert read_url(url) == (called or url)


def test_only_the_switch_of_tests_and_demo_opens_the_own_machine():
    assert read_url("http://127.0.0.1:8080/hook", is_anywhere=True) == "http://127.0.0.1:8080/hook"
    for url in ("ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "http://127.0.0.1/#x"):
        with pytest.raises(UrlForbidden):
            read_url(url, is_anywhere=True)
