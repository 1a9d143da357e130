package probe

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

// quiet is for servers whose handshakes are meant to fail.
var quiet = log.New(io.Discard, "", 0)

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

func TestHTTPHoldsTheStatusToWhatIsExpected(t *testing.T) {
	url := servePlain(t, status(http.StatusMethodNotAllowed, "only POST\nhere"))
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, Expect: []int{405}}), remediate.Healthy, "405")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, Expect: []int{401, 405}}), remediate.Healthy, "405")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url}), remediate.Unhealthy, "got 405 Method Not Allowed, expected 200\nonly POST\nhere")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, Expect: []int{200, 204}}), remediate.Unhealthy, "expected 200 or 204")
}

func TestHTTPDoesNotFollowRedirects(t *testing.T) {
	url := servePlain(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url}), remediate.Unhealthy, "302")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, Expect: []int{302}}), remediate.Healthy, "302")
}

// TestHTTPUsesNoProxy looks at the transport: Go never sends what is for this
// host to a proxy of the environment, so that no server here could tell.
func TestHTTPUsesNoProxy(t *testing.T) {
	client, hangUp := newClient(nil)
	defer hangUp()
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("it has a proxy")
	}
}

func TestHTTPPostsJSONWithTheTokenOfAFile(t *testing.T) {
	token, received := write(t, "", ""), ""
	url := servePlain(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received = r.Header.Get("X-Gitlab-Token")
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.Header.Get("Content-Type"), body, received)
	})
	p := NewHTTP(HTTPOptions{
		Name: "x", URL: url, Method: "POST", Body: `{"test": true}`, Expect: []int{201},
		TokenFile: token, Header: "X-Gitlab-Token",
	})
	for _, rotated := range []string{"first\n", "second"} {
		write(t, token, rotated)
		sees(t, p, remediate.Unhealthy, `POST application/json {"test": true} [token]`)
		if last := strings.TrimSpace(rotated); received != last {
			t.Errorf("received %q, want %q", received, last)
		}
	}
}

func TestATokenThatCannotBeUsedIsUnknownAndNotShown(t *testing.T) {
	url := servePlain(t, status(200, ""))
	for name, file := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "none"),
		"empty":   write(t, "", "\n"),
		"lines":   write(t, "", "se\ncret"),
		"large":   write(t, "", strings.Repeat("secret", 1000)),
	} {
		p := NewHTTP(HTTPOptions{Name: name, URL: url, TokenFile: file, Header: "X-Token"})
		sees(t, p, remediate.Unknown, "token file")
		if detail := p.Probe(t.Context()).Detail; strings.Contains(detail, "cret") {
			t.Errorf("%s shows the token: %s", name, detail)
		}
	}
}

func TestAServiceThatDoesNotServeIsUnhealthy(t *testing.T) {
	endless := servePlain(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 10000 {
			w.Header().Set(fmt.Sprintf("X-%d", i), "a header of this length, many times over")
		}
	})
	for url, want := range map[string]string{
		"http://" + closedPort(t):                                                                            "refused",
		"http://" + listen(t, func(conn net.Conn) { conn.Close() }):                                          "",
		"http://" + listen(t, func(conn net.Conn) { conn.(*net.TCPConn).SetLinger(0); conn.Close() }):        "",
		"http://" + listen(t, func(conn net.Conn) { readSome(conn); io.WriteString(conn, "no HTTP\r\n") }):   "malformed",
		"https://" + listen(t, func(conn net.Conn) { readSome(conn); io.WriteString(conn, "no TLS\r\n\r") }): "TLS",
		endless: "header",
	} {
		sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, Timeout: patience}), remediate.Unhealthy, want)
	}
}

// readSome takes what a client sends first, so that closing does not reset.
func readSome(conn net.Conn) { conn.Read(make([]byte, 4096)) }

func TestAServiceThatHangsIsUnhealthy(t *testing.T) {
	hanging := hangingListener(t)
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: "http://" + hanging, Timeout: haste}), remediate.Unhealthy, "in time")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: "https://" + hanging, Timeout: haste}), remediate.Unhealthy, "in time")
}

func TestABodyThatNeverEndsDoesNotHang(t *testing.T) {
	address := listen(t, func(conn net.Conn) {
		readSome(conn)
		io.WriteString(conn, "HTTP/1.1 500 Broken\r\n\r\nsome words")
		io.Copy(io.Discard, conn)
	})
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: "http://" + address, Timeout: haste}), remediate.Unhealthy, "some words")
}

func TestWhatThisHostLacksIsUnknown(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.pem")
	noPEM := write(t, "", "no certificate")
	for _, p := range []prober{
		NewHTTP(HTTPOptions{Name: "name", URL: "http://no-such-host.invalid/", Timeout: patience}),
		NewHTTP(HTTPOptions{Name: "ca", URL: "https://127.0.0.1/", CAFile: missing}),
		NewHTTP(HTTPOptions{Name: "pem", URL: "https://127.0.0.1/", CAFile: noPEM}),
		NewHTTP(HTTPOptions{Name: "url", URL: "http://127.0.0.1:no/"}),
		NewTLS(TLSOptions{Name: "tls", Address: "127.0.0.1:443", CAFile: missing}, time.Now),
		NewTCP(TCPOptions{Name: "tcp", Address: "no-such-host.invalid:80", Timeout: patience}),
		NewTCP(TCPOptions{Name: "unroutable", Address: "255.255.255.255:80", Timeout: patience}),
	} {
		sees(t, p, remediate.Unknown, "cannot")
	}
}

func TestHTTPTrustsTheCAFileAndNoOther(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	address := serve(t, ours.issue(t, time.Now().Add(time.Hour)), status(200, ""))
	file := ours.file(t, filepath.Join(t.TempDir(), "ca.pem"))
	url := "https://" + address
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, CAFile: file}), remediate.Healthy, "200")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, CAFile: file, ServerName: "site.local"}), remediate.Healthy, "200")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, CAFile: file, ServerName: "other.local"}), remediate.Unhealthy, "other.local")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url, CAFile: other.file(t, "")}), remediate.Unhealthy, "unknown authority")
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: url}), remediate.Unhealthy, "unknown authority")
}

func TestARenewedCAFileIsSeen(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	url := "https://" + serve(t, ours.issue(t, time.Now().Add(time.Hour)), status(200, ""))
	file := other.file(t, filepath.Join(t.TempDir(), "ca.pem"))
	p := NewHTTP(HTTPOptions{Name: "x", URL: url, CAFile: file})
	sees(t, p, remediate.Unhealthy, "unknown authority")
	ours.file(t, file)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(file, later, later); err != nil {
		t.Fatal(err)
	}
	sees(t, p, remediate.Healthy, "200")
}

func TestAnExpiredCertificateIsUnhealthy(t *testing.T) {
	ours := newAuthority(t)
	file := ours.file(t, "")
	address := serve(t, ours.issue(t, time.Now().Add(-time.Hour)), status(200, ""))
	sees(t, NewHTTP(HTTPOptions{Name: "x", URL: "https://" + address, CAFile: file}), remediate.Unhealthy, "expired")
	sees(t, NewTLS(TLSOptions{Name: "x", Address: address, CAFile: file}, time.Now), remediate.Unhealthy, "expired")
}

// recorder is an Uncounter that keeps what it was told.
type recorder struct{ provoked []bool }

func (r *recorder) Uncounted(_ context.Context, request func() bool) {
	r.provoked = append(r.provoked, request())
}

func TestHTTPTellsWhetherItProvokedAnError(t *testing.T) {
	told := &recorder{}
	for _, url := range []string{servePlain(t, status(401, "")), servePlain(t, status(200, "")), "http://" + closedPort(t)} {
		NewHTTP(HTTPOptions{Name: "x", URL: url, Expect: []int{401}, Uncounted: told}).Probe(t.Context())
	}
	if got := fmt.Sprint(told.provoked); got != "[true false false]" {
		t.Error(got)
	}
}
