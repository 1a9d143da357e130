package remediate_test

import (
	"strings"
	"testing"

	. "nightshift/remediate"
)

func TestSecretsAreBlottedOut(t *testing.T) {
	const secret = "hunter2hunter2hunter2"
	for _, line := range []string{
		"password=" + secret,
		"Password: " + secret,
		`{"user":"root","db_password":"` + secret + `","port":5432}`,
		`PGPASSWORD='` + secret + `' psql`,
		"GITLAB_SECRET_TOKEN=" + secret + "&ref=main",
		"X-Gitlab-Token: " + secret,
		"api-key=" + secret, "API_KEY = " + secret, "aws.credentials=" + secret,
		"Authorization: Bearer " + secret,
		"authorization: basic " + secret + "==",
		"connecting to postgres://grafana:" + secret + "@db:5432/grafana",
		"GET https://user:p@ss" + secret + "@example.org/x",
		"token=eyJhbGciOiJIUzI1NiJ9." + secret + ".abc",
		"got eyJhbGciOiJIUzI1NiJ9." + secret + ".abc here",
		"using glpat-" + secret, "using ghp_" + secret,
		"-----BEGIN RSA PRIVATE KEY-----\n" + secret + "\n-----END RSA PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY----- " + secret,
	} {
		got := Redact(line)
		if strings.Contains(got, secret) || !strings.Contains(got, "[redacted]") {
			t.Errorf("Redact(%q) = %q", line, got)
		}
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for _, line := range []string{
		"listening on http://127.0.0.1:3000/login?next=/d/x",
		"dialing tcp://[::1]:5432",
		"the token has expired",
		"password authentication failed for user \"grafana\"",
		"basic auth is off", "bearer of bad news",
		"GET https://example.org/a@b",
		"10:15:01 worker 7 exited on signal 9",
		"mail to ops@example.org: ok",
	} {
		if got := Redact(line); got != line {
			t.Errorf("Redact(%q) = %q", line, got)
		}
	}
}

func TestWhatSurroundsASecretStays(t *testing.T) {
	const line = `level=error user=bob password="a \" b" took=3s`
	if got, want := Redact(line), `level=error user=bob password=[redacted] took=3s`; got != want {
		t.Errorf("Redact = %q, expected %q", got, want)
	}
}
