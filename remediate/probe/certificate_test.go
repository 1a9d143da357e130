package probe

import (
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/remediate"
)

func TestTheServedCertificateIsShownBesideItsFiles(t *testing.T) {
	ours := newAuthority(t)
	cert := ours.issue(t, time.Now().Add(-time.Hour)) // it has ended, and is shown all the same
	dir := t.TempDir()
	certFile := write(t, filepath.Join(dir, "site.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})))
	keyFile := write(t, filepath.Join(dir, "site.key"), "the key itself")
	if err := os.Chmod(keyFile, 0o640); err != nil {
		t.Fatal(err)
	}
	probe := NewTLS(TLSOptions{
		Name: "x", Address: serve(t, cert, status(200, "")), CAFile: ours.file(t, ""), ServerName: "site.local", CertFile: certFile, KeyFile: keyFile, Timeout: patience,
	}, time.Now)
	sees(t, probe, remediate.Unhealthy, "expired")
	text, err := probe.See(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		": serial 2, valid from ", "(-1 days left), for site.local 127.0.0.1, by CN=test authority", "in " + certFile + ": serial 2",
		keyFile + ": owner root:root, mode 0640, 14 bytes",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "the key itself") {
		t.Error("the key was read")
	}
}

func TestFilesThatAreNotThereAreSaid(t *testing.T) {
	p := NewTLS(TLSOptions{Name: "x", Address: closedPort(t), CertFile: "/no/such.pem", KeyFile: "/no/such.key"}, time.Now)
	text, err := p.See(t.Context())
	if err != nil || !strings.Contains(text, "refused") || strings.Count(text, "no such file") != 3 {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestAnAnswerIsHeldToWhatItMustSay(t *testing.T) {
	answers := func(body string) string {
		return servePlain(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) })
	}
	for name, c := range map[string]struct {
		body   string
		health remediate.Health
		part   string
	}{
		"as expected":      {`{"database": "ok", "n": 3, "checks": {"db": {"up": true}}}`, remediate.Healthy, "it says what is expected"},
		"something else":   {`{"database": "failing", "n": 3, "checks": {"db": {"up": true}}}`, remediate.Unhealthy, `database is "failing", expected "ok"`},
		"not there":        {`{"database": "ok", "n": 3}`, remediate.Unhealthy, "the answer has no checks.db.up"},
		"not that deep":    {`{"database": "ok", "n": 3, "checks": {"db": "up"}}`, remediate.Unhealthy, "no checks.db.up"},
		"no JSON":          {`<html>ok</html>`, remediate.Unhealthy, "no JSON"},
		"longer than read": {`{"x": "` + strings.Repeat("x", maxJSON) + `"}`, remediate.Unhealthy, "longer than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			sees(t, NewHTTP(HTTPOptions{Name: "x", URL: answers(c.body), JSON: map[string]string{"database": "ok", "n": "3", "checks.db.up": "true"}}), c.health, c.part)
		})
	}
}

func TestDiskMindsItsInodes(t *testing.T) {
	d := NewDisk(DiskOptions{Name: "x", MinInodes: 10})
	for _, c := range []struct {
		free, all uint64
		want      answer
	}{
		{10, 100, answer{remediate.Healthy, "space, and 10 inodes (10.0 %)"}},
		{9, 100, answer{remediate.Unhealthy, "space, but only 9 inodes (9.0 %), expected at least 10.0 %"}},
		{0, 0, answer{remediate.Healthy, "space"}},
	} {
		if got := d.judgeInodes("space", c.free, c.all); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
